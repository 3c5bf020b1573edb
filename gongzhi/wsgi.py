"""The WSGI application that granian serves."""

from __future__ import annotations

import os
from importlib import import_module

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from granian.utils.proxies import wrap_wsgi_with_proxy_headers

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "gongzhi.settings")
os.environ.setdefault("GONGZHI_DB_POOL", "8")

application = get_wsgi_application()
# What it counts with wants models, and those a configured Django.
import_module("gongzhi.clock.metrics").watch()
if settings.PROXIES:
    # Else every visitor would seem to be the proxy: locked out together, and all of them on this machine.
    application = wrap_wsgi_with_proxy_headers(application, settings.PROXIES)
