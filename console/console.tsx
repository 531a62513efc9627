/**
 * The console, from the page's own script.
 *
 * @module
 */
import { render } from "preact";
import { Shell } from "./shell.tsx";

render(<Shell />, document.getElementById("console")!);
