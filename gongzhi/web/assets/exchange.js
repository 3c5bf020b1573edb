/* htmx as this house uses it: no code in attributes, no inline style, and every answer that is not a page says so in a
   sentence beside what one was doing. Nothing typed is touched. */
import htmx from "htmx.org";

Object.assign(htmx.config, {
  allowEval: false,
  allowScriptTags: false,
  includeIndicatorStyles: false,
  selfRequestsOnly: true,
  historyCacheSize: 0,
  refreshOnHistoryMiss: true,
  scrollBehavior: "auto",
  timeout: 30000,
  responseHandling: [
    { code: "204", swap: false },
    { code: "422", swap: true },
    { code: "[23]..", swap: true },
    { code: ".*", swap: false, error: true },
  ],
});

export default htmx;
