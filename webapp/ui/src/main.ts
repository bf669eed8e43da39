/** Starts the signed-in application. */
import { mount } from "svelte";
import "./styles/tokens.css";
import "./styles/base.css";
import App from "./App.svelte";
import { startRouter } from "$lib/router.svelte";

startRouter();
const target = document.getElementById("app");
if (target) mount(App, { target });
