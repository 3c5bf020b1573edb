"""企业微信: signing in as a member of the corporation, by QR code in a browser or at once inside the application."""
