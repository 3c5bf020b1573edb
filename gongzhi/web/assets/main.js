/* Everything here only shortens a way that also works without it: a figure is a link to its page of records, a filter
   is a form, a message is a notice, a form posts. */
import "./exchange.js";
import "./panel.js";
import "./forms.js";
import "./photos.js";
import "./webauthn.js";
import "./messages.js";
import "./idle.js";
import "./keys.js";
import "./menus.js";
import "./paper.js";
import "./search.js";
import "./maps.js";
import "./intake.js";
import "./track.js";
import "./field/leave.js";
import "./grid.js";

document.documentElement.classList.add("js");
