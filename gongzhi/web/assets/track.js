/* A link to what one told of carries the tracking code behind the #, which no browser sends to anybody: it is put into
   the form, which posts it, and taken out of the address. */
const form = document.getElementById("lookup");
const code = decodeURIComponent(location.hash.slice(1));

if (/^[0-9A-Za-z-]{12,20}$/.test(code) && location.pathname.endsWith("/track/")) {
  if (form) {
    history.replaceState(null, "", location.pathname + location.search);
    form.elements.code.value = code;
    form.requestSubmit ? form.requestSubmit() : form.submit();
  } else {
    // Another one is shown here: ask for this one.
    location.replace(`${location.pathname}?other=1#${code}`);
  }
}
