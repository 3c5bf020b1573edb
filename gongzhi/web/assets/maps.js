/* What draws a map is large and takes a slow phone a while: it is fetched when a map comes near the view and the page
   itself is at rest. The same stands beside the map as a list. */
const NEAR = "200px";

function start(place) {
  const script = document.createElement("script");
  script.src = place.dataset.script;
  document.head.append(script);
}

function atRest(then) {
  if (window.requestIdleCallback) requestIdleCallback(then, { timeout: 2000 });
  else setTimeout(then, 200);
}

const seen = new IntersectionObserver((changes) => {
  const change = changes.find((one) => one.isIntersecting);
  if (!change) return;
  // Once is enough: the script draws every map there is, and those that come.
  seen.disconnect();
  atRest(() => start(change.target));
}, { rootMargin: NEAR });

function watch(root) {
  root.querySelectorAll("[data-map]:not(.leaflet-container)").forEach((place) => seen.observe(place));
}

function begin() {
  watch(document);
  document.addEventListener("htmx:load", (event) => {
    if (event.target !== document.body && !document.querySelector("script[src*='dist/map.']")) watch(event.target);
  });
}

if (document.readyState === "complete") begin();
else window.addEventListener("load", begin);
