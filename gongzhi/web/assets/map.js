/* A map of what an address tells as GeoJSON; without tiles it is outlines, lines and points on plain ground. Beside it
   stands the same as a list, for those without it.

     <div class="map" data-map="/map/features.json?place=…" data-script="…/map.js" data-tiles="https://…/{z}/{x}/{y}.png" role="application"
          aria-label="…"></div>

   A feature's properties: `kind` (area, section, centre, spot), `name`, `sort` (its kind in words), `href`; a spot has
   `open`, `late`, `done` and `words`. Every point is reached by Tab and opened by Enter. When there is too much for
   single yards (`wide`), what is in the box is fetched anew at each move. It is fetched when it is needed: maps.js. */
import "leaflet/dist/leaflet.css";
import * as L from "leaflet";

const POINTS = { centre: 1, spot: 2 };
// Names stand on the map itself from this near.
const NAMED_FROM = 16;

function badge(style, count) {
  const sign = document.createElement("span");
  sign.className = style;
  sign.textContent = String(count);
  return sign;
}

function iconOf(told) {
  if (told.kind === "centre") return L.divIcon({ className: "map-centre", iconSize: [44, 44] });
  const box = document.createElement("div");
  box.className = "map-badges";
  if (told.open) box.append(badge(told.late ? "is-late" : "is-open", told.open));
  if (told.done) box.append(badge("is-done", told.done));
  return L.divIcon({ className: "map-spot", html: box, iconSize: [64, 44] });
}

function pointOf(feature, at) {
  const told = feature.properties;
  const title = told.words ? `${told.name}，${told.words}` : `${told.name}，${told.sort}`;
  const marker = L.marker(at, { icon: iconOf(told), keyboard: true, title, alt: title, zIndexOffset: POINTS[told.kind] * 100 });
  marker.on("add", () => {
    const sign = marker.getElement();
    sign.setAttribute("aria-label", title);
    sign.setAttribute("role", "button");
  });
  return marker;
}

function styleOf(feature) {
  return { className: `map-${feature.properties.kind}`, fill: feature.properties.kind === "area" };
}

/* The outline of a yard and the line of a road are named, each once; a whole area would be named in the middle of
   everything. */
function named(feature, drawn, known) {
  const told = feature.properties;
  const [code] = String(feature.id).split(".");
  if ((told.kind !== "section" && told.sort !== "楼院") || known.has(code)) return;
  known.add(code);
  const className = told.kind === "section" ? "map-name is-road" : "map-name";
  drawn.bindTooltip(told.name, { permanent: true, direction: "bottom", offset: [0, 12], className });
}

/* A shape says its name where the map has no room for it. */
function titled(feature, drawn) {
  drawn.on("add", () => {
    const shape = drawn.getElement && drawn.getElement();
    if (!(shape instanceof SVGElement) || shape.querySelector("title")) return;
    const title = document.createElementNS("http://www.w3.org/2000/svg", "title");
    title.textContent = feature.properties.name;
    shape.append(title);
  });
}

function meets(one, other) {
  return one.left < other.right && other.left < one.right && one.top < other.bottom && other.top < one.bottom;
}

/* A name is shown only where it lies on no other name and on no sign. Roads come first: they are few and long. */
function spread(place) {
  const names = [...place.querySelectorAll(".map-name")];
  names.forEach((one) => one.classList.remove("is-hidden"));
  const taken = [...place.querySelectorAll(".map-spot span, .map-centre")].map((one) => one.getBoundingClientRect());
  names.sort((one, other) => other.classList.contains("is-road") - one.classList.contains("is-road"));
  names.forEach((one) => {
    const box = one.getBoundingClientRect();
    if (taken.some((other) => meets(box, other))) one.classList.add("is-hidden");
    else taken.push(box);
  });
}

function telling(told) {
  const box = document.createElement("div");
  const name = document.createElement("a");
  name.className = "name";
  name.href = told.href;
  name.textContent = told.name;
  const words = document.createElement("p");
  words.textContent = told.words || told.sort;
  box.append(name, words);
  return box;
}

function note(place, words) {
  const line = document.createElement("p");
  line.className = "empty-small";
  line.textContent = words;
  place.after(line);
  place.remove();
}

async function fetched(address) {
  try {
    const answer = await fetch(address, { credentials: "same-origin" });
    return answer.ok && !answer.redirected ? await answer.json() : null;
  } catch (lost) {
    return null;
  }
}

function withBox(address, bounds) {
  const box = [bounds.getWest(), bounds.getSouth(), bounds.getEast(), bounds.getNorth()].map((one) => one.toFixed(5));
  return `${address}&bbox=${box.join(",")}`;
}

function controls(place, map) {
  map.zoomControl.setPosition("bottomright");
  [["in", "放大"], ["out", "缩小"]].forEach(([name, words]) => {
    const button = place.querySelector(`.leaflet-control-zoom-${name}`);
    button.setAttribute("aria-label", words);
    button.title = words;
  });
  map.attributionControl.setPrefix(false);
}

function pressed(words, press) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "btn";
  button.textContent = words;
  button.addEventListener("click", press);
  return button;
}

/* A point for the form around the map: by a press on it, by its middle from the keyboard, by where the device says it
   is. The form's `longitude` and `latitude` hold it. */
function picking(place, map) {
  const { longitude, latitude } = place.closest("form").elements;
  const said = document.createElement("p");
  said.className = "pick-said";
  const words = document.createElement("span");
  words.setAttribute("role", "status");
  const mark = L.marker(map.getCenter(), { icon: L.divIcon({ className: "map-here", iconSize: [44, 44] }), interactive: false, keyboard: false });
  const put = (at) => {
    longitude.value = at ? at.lng.toFixed(6) : "";
    latitude.value = at ? at.lat.toFixed(6) : "";
    if (at) mark.setLatLng(at).addTo(map);
    else mark.remove();
    words.textContent = at ? "已经标在图上，可以再点别处" : "还没有标";
    away.hidden = !at;
  };
  const away = pressed("不标了", () => put(null));
  const where = pressed("用我现在的位置", () => {
    words.textContent = "正在找您的位置";
    navigator.geolocation.getCurrentPosition((found) => {
      const at = L.latLng(found.coords.latitude, found.coords.longitude);
      put(at);
      map.setView(at, 17);
    }, () => { words.textContent = "没有找到您的位置，请在图上点"; }, { enableHighAccuracy: true, timeout: 10000 });
  });
  said.append(words, pressed("标在图的正中", () => put(map.getCenter())));
  if (isSecureContext && navigator.geolocation) said.append(where);
  said.append(away);
  place.after(said);
  map.on("click", (event) => put(event.latlng));
  put(longitude.value ? L.latLng(Number(latitude.value), Number(longitude.value)) : null);
}

async function draw(place) {
  const address = place.dataset.map;
  let told = await fetched(address);
  if (!told) return note(place, "地图没有取到。同样的内容在列表里。");
  if (!told.features.length) return note(place, "这里还没有标到地图上的内容。");
  const map = L.map(place, {
    scrollWheelZoom: false, zoomAnimation: false, fadeAnimation: false, markerZoomAnimation: false, zoomSnap: 0.5,
  });
  controls(place, map);
  if (place.dataset.tiles) L.tileLayer(place.dataset.tiles, { maxZoom: 18, attribution: place.dataset.source || "" }).addTo(map);
  const known = new Set();
  const picks = "pick" in place.dataset;
  const layer = L.geoJSON(null, {
    // While a point is picked, what is drawn is only there to find one's way.
    style: (feature) => ({ ...styleOf(feature), interactive: !picks }),
    pointToLayer: pointOf,
    filter: (feature) => !picks || !(feature.properties.kind in POINTS),
    onEachFeature: (feature, drawn) => {
      if (!picks) drawn.bindPopup(() => telling(feature.properties));
      named(feature, drawn, known);
      titled(feature, drawn);
    },
  }).addTo(map);
  layer.addData(told);
  map.fitBounds(layer.getBounds(), { padding: [32, 32], maxZoom: 17 });
  if (picks) picking(place, map);
  const names = () => {
    place.classList.toggle("map-far", !picks && map.getZoom() < NAMED_FROM);
    spread(place);
  };
  names();
  map.on("zoomend", names);
  let asked = 0;
  map.on("moveend", async () => {
    if (!told.wide) return;
    asked += 1;
    const mine = asked;
    const nearer = await fetched(withBox(address, map.getBounds()));
    if (!nearer || mine !== asked) return;
    layer.clearLayers();
    known.clear();
    layer.addData(nearer);
    spread(place);
  });
  place.dataset.drawn = "1";
  return map;
}

function drawAll(root) {
  root.querySelectorAll("[data-map]:not(.leaflet-container)").forEach(draw);
}

drawAll(document);
document.addEventListener("htmx:load", (event) => { if (event.target !== document.body) drawAll(event.target); });
