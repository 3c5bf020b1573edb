import "leaflet/dist/leaflet.css";
import * as L from "leaflet";
window.L = L;
