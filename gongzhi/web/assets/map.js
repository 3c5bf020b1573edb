/* A map of what an address tells as GeoJSON; without tiles it is lines and points on plain ground. Beside it stands the
   same as a list, for those without it.

     <div class="map" data-map="/places/…/map.json" data-tiles="https://…/{z}/{x}/{y}.png" role="application"
          aria-label="…"></div>

   A feature's properties: `kind` (section, open, done, centre, area), `name`, `href`. */
import "leaflet/dist/leaflet.css";
import * as L from "leaflet";

const RADIUS = 8;

function styleOf(kind) {
  return { className: `map-${kind || "area"}`, weight: kind === "section" ? 4 : 2, fill: kind !== "section" };
}

function point(feature, at) {
  const kind = feature.properties.kind;
  if (kind === "centre") {
    return L.marker(at, { icon: L.divIcon({ className: "map-centre", iconSize: [18, 18] }), alt: feature.properties.name });
  }
  return L.circleMarker(at, { radius: RADIUS, className: `map-${kind}`, weight: 3 });
}

function label(feature) {
  const told = feature.properties;
  const words = document.createElement(told.href ? "a" : "span");
  words.textContent = told.name;
  if (told.href) words.href = told.href;
  return words;
}

function note(place, words) {
  const line = document.createElement("p");
  line.className = "empty-small";
  line.textContent = words;
  place.after(line);
  place.remove();
}

async function draw(place) {
  let told = null;
  try {
    const answer = await fetch(place.dataset.map, { credentials: "same-origin" });
    if (answer.ok && !answer.redirected) told = await answer.json();
  } catch (lost) {
    told = null;
  }
  if (!told) return note(place, "地图没有取到。同样的内容在列表里。");
  const map = L.map(place, { scrollWheelZoom: false, zoomAnimation: false, fadeAnimation: false, markerZoomAnimation: false });
  map.zoomControl.setPosition("bottomright");
  place.querySelector(".leaflet-control-zoom-in").setAttribute("aria-label", "放大");
  place.querySelector(".leaflet-control-zoom-out").setAttribute("aria-label", "缩小");
  place.querySelectorAll(".leaflet-control-zoom a").forEach((one) => { one.title = one.getAttribute("aria-label"); });
  map.attributionControl.setPrefix(false);
  if (place.dataset.tiles) L.tileLayer(place.dataset.tiles, { maxZoom: 18, attribution: place.dataset.source || "" }).addTo(map);
  const layer = L.geoJSON(told, {
    style: (feature) => styleOf(feature.properties.kind),
    pointToLayer: point,
    onEachFeature: (feature, drawn) => { if (feature.properties.name) drawn.bindPopup(label(feature)); },
  }).addTo(map);
  if (layer.getLayers().length) map.fitBounds(layer.getBounds(), { padding: [24, 24], maxZoom: 17 });
  else return note(place, "这里还没有标到地图上的内容。");
  return map;
}

function drawAll(root) {
  root.querySelectorAll("[data-map]:not(.leaflet-container)").forEach(draw);
}

drawAll(document);
document.addEventListener("htmx:load", (event) => { if (event.target !== document.body) drawAll(event.target); });
