"use strict";
// Draws the figures of the page from the numbers in its element "data"; asks nothing of any network.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const byId = (id) => document.getElementById(id);
  const config = { displaylogo: false, displayModeBar: false, responsive: true };
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  let printing = false;
  const PRINTED = {
    ground: "#ffffff", ink: "#1a1c1e", soft: "#54585c", line: "#c9cdd1", grid: "#e4e6e8", blue: "#0072b2",
    vermilion: "#d55e00", green: "#009e73", orange: "#e69f00", grey: "#8a8f94", purple: "#cc79a7",
  };
  const styles = getComputedStyle(document.documentElement);
  const colour = (name) => (printing ? PRINTED[name] : styles.getPropertyValue(`--${name}`).trim());
  const unique = (list) => [...new Set(list)];

  function option(select, value, text) {
    const made = document.createElement("option");
    made.value = value;
    made.textContent = text;
    select.append(made);
  }

  function axis(title, more = {}) {
    return {
      title: { text: title, standoff: 8 }, gridcolor: colour("grid"), linecolor: colour("line"), zerolinecolor: colour("soft"),
      automargin: true, exponentformat: "power", ...more,
    };
  }

  function layout(more) {
    return {
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", font: { color: colour("ink"), size: 12 },
      margin: { l: 60, r: 15, t: 15, b: 45 }, hoverlabel: { bgcolor: colour("ground"), font: { color: colour("ink") } },
      legend: { orientation: "h", y: 1.02, yanchor: "bottom", x: 0 }, ...more,
    };
  }

  // On paper a figure gets the width that its place has there; on a screen it follows the window.
  function draw(plot, traces, wanted) {
    const size = printing ? { width: plot.clientWidth, autosize: false } : { autosize: true };
    return Plotly.react(plot, traces, { ...wanted, ...size }, config);
  }

  // ---- energies -------------------------------------------------------------------------------------------------
  function drawEnergies() {
    const points = data.energies;
    if (!points.length) {
      byId("energy-plot").closest("figure").hidden = true;
      return;
    }
    const traces = [];
    for (const passed of [true, false]) {
      const kept = points.filter((p) => p.passed === passed);
      if (!kept.length) continue;
      const marker = {
        color: passed ? colour("blue") : colour("ground"), size: 10, line: { color: colour("blue"), width: 2 },
      };
      const bars = (list) => ({ type: "data", array: list, color: colour("blue"), thickness: 1.5 });
      const shared = { mode: "markers+text", x: kept.map((p) => p.x), marker, textposition: "top right" };
      const name = passed ? "certificate passed" : "certificate FAILED";
      traces.push({
        ...shared, name, y: kept.map((p) => p.delta), error_y: bars(kept.map((p) => p.error)),
        text: kept.map((p) => p.pair), hovertemplate: "pair %{text}: %{y:+.1f} meV<extra></extra>",
      });
      traces.push({
        ...shared, showlegend: false, xaxis: "x2", yaxis: "y2", y: kept.map((p) => p.j),
        error_y: bars(kept.map((p) => p.error / (2 * p.images))), text: kept.map((p) => p.pair),
        hovertemplate: "pair %{text}: %{y:+.2f} meV per bond<extra></extra>",
      });
    }
    const theirs = points.filter((p) => p.published !== null);
    if (theirs.length) {
      const shared = { mode: "markers", x: theirs.map((p) => p.x), marker: { symbol: "diamond", size: 11, color: colour("vermilion") } };
      traces.push({ ...shared, name: data.published, y: theirs.map((p) => p.published) });
      traces.push({
        ...shared, showlegend: false, xaxis: "x2", yaxis: "y2", y: theirs.map((p) => p.published / (2 * p.images)),
      });
    }
    const narrow = byId("energy-plot").clientWidth < 560;
    const grid = narrow ? { rows: 2, columns: 1, pattern: "independent", ygap: 0.35 } : { rows: 1, columns: 2, pattern: "independent" };
    byId("energy-plot").style.height = narrow ? "40rem" : "";
    draw(byId("energy-plot"), traces, layout({
      grid, xaxis: axis("pair distance d / a"), yaxis: axis("E(AF) − E(FM) (meV per cell)"),
      xaxis2: axis("pair distance d / a"), yaxis2: axis("J per bond (meV), J > 0 FM"),
    }));
  }

  // ---- densities of states ---------------------------------------------------------------------------------------
  const GROUPS = [
    ["vermilion", "solid", "6 0"], ["blue", "dash", "5 3"], ["green", "dot", "2 2"], ["orange", "dashdot", "6 2 2 2"],
  ];
  const states = data.dos.states;
  const ZERO_NAMES = { fermi: "E_F of the run (each cell's own)", vbm: "VBM of the host" };

  function setUpDos() {
    if (!states.length) return;
    for (const zero of unique(states.flatMap((s) => Object.keys(s.zeros)))) {
      const named = states.find((s) => s.zeros[zero]).zeros[zero].name;
      option(byId("dos-zero"), zero, ZERO_NAMES[zero] || named);
    }
    option(byId("dos-pair"), "", "all");
    for (const pair of unique(states.map((s) => s.pair))) option(byId("dos-pair"), pair, pair);
    ["total", ...states[0].groups].forEach(addGroupBox);
    states.forEach((s, n) => {
      const box = document.createElement("section");
      const title = document.createElement("h3");
      title.textContent = s.name + (s.passed ? "" : ": FAILED its certificate") + (s.reversed ? " (all moments came out reversed; the majority is drawn upwards)" : "");
      if (!s.passed) title.className = "bad";
      const plot = document.createElement("div");
      plot.className = "plot";
      plot.id = `dos-plot-${n}`;
      plot.setAttribute("role", "img");
      plot.setAttribute("aria-label", `Density of states of ${s.name}, spin up above and spin down below the axis`);
      box.append(title, plot);
      byId("dos-plots").append(box);
    });
    byId("dos-controls").addEventListener("input", later);
    byId("dos-controls").addEventListener("submit", (event) => event.preventDefault());
  }

  function addGroupBox(name, n) {
    const label = document.createElement("label");
    const box = document.createElement("input");
    box.type = "checkbox";
    box.checked = true;
    box.id = `dos-group-${n}`;
    label.append(box, swatch(n), document.createTextNode(name));
    byId("dos-groups").append(label);
  }

  function swatch(n) {
    const space = "http://www.w3.org/2000/svg";
    const svg = document.createElementNS(space, "svg");
    svg.setAttribute("class", "swatch");
    svg.setAttribute("viewBox", "0 0 26 12");
    svg.setAttribute("aria-hidden", "true");
    const shape = document.createElementNS(space, n ? "path" : "rect");
    const style = n ? GROUPS[(n - 1) % GROUPS.length] : null;
    const looks = n
      ? { d: "M0 6H26", stroke: `var(--${style[0]})`, "stroke-width": 2.5, "stroke-dasharray": style[2] }
      : { width: 26, height: 12, fill: "var(--grey)", "fill-opacity": 0.5 };
    for (const [key, value] of Object.entries(looks)) shape.setAttribute(key, value);
    svg.append(shape);
    return svg;
  }

  let waiting = false;
  function later() {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      drawDos();
    });
  }

  // Sum over k and bands of weight times a normalised Gaussian on the grid; states per eV and cell.
  function broadened(state, spin, energies, zero, sigma, group) {
    const channel = state.spins[Math.min(spin, state.spins.length - 1)];
    const curve = new Float64Array(energies.length);
    const step = energies[1] - energies[0];
    const reach = Math.ceil((6 * sigma) / step);
    const norm = 1 / (sigma * Math.sqrt(2 * Math.PI));
    for (let i = 0; i < channel.e.length; i += 1) {
      const part = group < 0 ? 1 : channel.w[group][i] * data.dos.weight_unit;
      if (part === 0) continue;
      const height = state.k_weights[channel.k[i]] * part * norm;
      const at = channel.e[i] * data.dos.energy_unit - zero;
      const middle = Math.round((at - energies[0]) / step);
      const last = Math.min(energies.length - 1, middle + reach);
      for (let n = Math.max(0, middle - reach); n <= last; n += 1) {
        const x = (energies[n] - at) / sigma;
        curve[n] += height * Math.exp(-0.5 * x * x);
      }
    }
    return curve;
  }

  function curvesOf(state, energies, zero, sigma) {
    return [-1, ...state.groups.keys()].map((g) => [0, 1].map((spin) => broadened(state, spin, energies, zero, sigma, g)));
  }

  function drawDos() {
    if (!states.length) return;
    const sigma = Number(byId("dos-broadening").value);
    const scale = 2 ** Number(byId("dos-scale").value);
    const choice = byId("dos-zero").value;
    byId("dos-broadening-value").textContent = `${sigma.toFixed(2)} eV`;
    byId("dos-scale-value").textContent = `× ${Number(scale.toPrecision(3))}`;
    const [low, high] = data.dos.window;
    const points = Math.min(2001, Math.ceil(((high - low) / sigma) * 5) + 1);
    const energies = Array.from({ length: points }, (_, n) => low + ((high - low) * n) / (points - 1));
    const drawn = states.map((s) => (s.zeros[choice] ? curvesOf(s, energies, s.zeros[choice].energy, sigma) : null));
    const tops = drawn.filter(Boolean).flatMap((curves) => curves.slice(1, 3).flat().map((c) => Math.max(...c)));
    const top = (1.6 * Math.max(...tops, 1e-3)) / scale;
    states.forEach((s, n) => drawState(s, n, energies, drawn[n], top, choice));
    byId("dos-source").textContent = zeroWords(choice);
  }

  function zeroWords(choice) {
    const pair = byId("dos-pair").value;
    const shown = states.filter((s) => s.zeros[choice] && (pair === "" || pair === s.pair));
    if (!shown.length) return "No state of this pair has this zero of energy.";
    const first = shown[0].zeros[choice];
    const errors = shown.map((s) => s.zeros[choice].uncertainty);
    const spread = choice === "fermi" ? "" : ` (uncertainty ${Math.min(...errors).toFixed(2)} to ${Math.max(...errors).toFixed(2)} eV)`;
    const source = unique(shown.map((s) => s.zeros[choice].source)).length > 1 ? ` (of ${shown[0].name})` : "";
    return `Zero of energy: ${first.name}${spread}; ${first.source}${source}`;
  }

  function drawState(s, n, energies, curves, top, choice) {
    const plot = byId(`dos-plot-${n}`);
    const pair = byId("dos-pair").value;
    const hidden = !curves || (pair !== "" && pair !== s.pair);
    plot.parentElement.hidden = hidden;
    if (hidden) return;
    const zero = s.zeros[choice];
    const line = (x, look) => ({ type: "line", xref: "x", yref: "paper", x0: x, x1: x, y0: 0, y1: 1, line: look });
    const shapes = s.fermi.map((f) => line(f - zero.energy, { color: colour("ink"), dash: "dash", width: 1.2 }));
    if (choice !== "fermi") {
      shapes.push(line(0, { color: colour("blue"), width: 1.2 }));
      shapes.push({
        type: "rect", xref: "x", yref: "paper", x0: -zero.uncertainty, x1: zero.uncertainty, y0: 0, y1: 1,
        fillcolor: colour("blue"), opacity: 0.15, line: { width: 0 },
      });
    }
    const corner = (y, text) => ({ xref: "paper", yref: "paper", x: 0.99, y, text, showarrow: false, xanchor: "right" });
    const at = s.fermi[0] - zero.energy;
    const [low, high] = data.dos.window;
    const mark = at > low && at < high
      ? [{ xref: "x", yref: "paper", x: at, y: 1, xanchor: "left", xshift: 2, yanchor: "top", text: "E<sub>F</sub>", showarrow: false }] : [];
    draw(plot, dosTraces(s, energies, curves), layout({
      shapes, annotations: [corner(0.98, "up"), corner(0.02, "down"), ...mark], showlegend: false,
      xaxis: axis(`energy relative to ${zero.name.replaceAll("E_F", "E<sub>F</sub>")} (eV)`, { range: data.dos.window, zeroline: false }),
      yaxis: axis("DOS (states/eV/cell)", { range: [-top, top] }), hovermode: "closest",
    }));
  }

  function dosTraces(s, energies, curves) {
    const traces = [];
    curves.forEach((pair, g) => {
      if (!byId(`dos-group-${g}`).checked) return;
      const look = GROUPS[(g - 1) % GROUPS.length];
      pair.forEach((curve, spin) => {
        const name = `${g ? s.groups[g - 1] : "total"}, ${spin ? "down" : "up"}`;
        const y = Array.from(curve, (v) => (spin ? -v : v));
        const style = g
          ? { line: { color: colour(look[0]), dash: look[1], width: 1.6 } }
          : { fill: "tozeroy", fillcolor: `${colour("grey")}66`, line: { color: colour("grey"), width: 0.5 } };
        traces.push({ x: energies, y, name, mode: "lines", hovertemplate: "%{x:.2f} eV: %{y:.3f}", ...style });
      });
    });
    return traces;
  }

  // ---- structures --------------------------------------------------------------------------------------------------
  const cells = data.structures;
  const SMALLEST = 0.02; // muB; smaller moments get no arrow
  const LONGEST = 2.4; // A, arrow of the largest moment
  const HEAD = 0.9; // A
  const EYES = {
    free: { x: 1.05, y: -0.75, z: 0.5 }, a: { x: 1.4, y: 0, z: 0.01 }, b: { x: 0, y: -1.4, z: 0.01 }, c: { x: 0.01, y: -0.01, z: 1.4 },
  };

  function setUpStructures() {
    for (const pair of unique(cells.map((c) => c.pair))) option(byId("structure-pair"), pair, pair);
    fillStates();
    byId("structure-pair").addEventListener("change", () => { fillStates(); drawStructure(true); });
    byId("structure-state").addEventListener("change", () => { fillSites(); drawStructure(true); });
    byId("structure-view").addEventListener("change", () => drawStructure(true));
    byId("structure-site").addEventListener("change", () => drawStructure(false));
  }

  function fillStates() {
    const select = byId("structure-state");
    const before = select.value;
    select.replaceChildren();
    const pair = byId("structure-pair").value;
    for (const c of cells.filter((c) => c.pair === pair)) option(select, c.state, c.state);
    if ([...select.options].some((o) => o.value === before)) select.value = before;
    fillSites();
  }

  const shown = () => cells.find((c) => c.pair === byId("structure-pair").value && c.state === byId("structure-state").value);
  const moment = (m) => `${m > 0 ? "+" : m < 0 ? "−" : ""}${Math.abs(m).toFixed(3)} μB`;

  function fillSites() {
    const c = shown();
    const select = byId("structure-site");
    const before = select.value;
    select.replaceChildren();
    option(select, "", "none");
    const order = [...c.species.keys()].sort((a, b) => c.dopants.includes(b) - c.dopants.includes(a) || a - b);
    for (const n of order) option(select, String(n), `${c.species[n]} ${n + 1}${c.dopants.includes(n) ? " (dopant)" : ""}`);
    if (before !== "" && Number(before) < c.species.length) select.value = before;
  }

  function drawStructure(turn) {
    const c = shown();
    const plot = byId("structure-plot");
    if (!plot.dataset.drawn) turn = true;
    const near = plot.clientWidth > plot.clientHeight ? 0.8 : 1; // a wide picture has room for a larger cell
    const eye = Object.fromEntries(Object.entries(EYES[byId("structure-view").value]).map(([k, v]) => [k, v * near]));
    const camera = turn ? { eye, projection: { type: "orthographic" } } : plot.layout.scene.camera;
    const line = (text) => ({
      title: { text }, color: colour("soft"), gridcolor: colour("grid"), showbackground: false, zeroline: false, showspikes: false,
    });
    const scene = { xaxis: line("x (Å)"), yaxis: line("y (Å)"), zaxis: line("z (Å)"), aspectmode: "data", camera };
    const legend = { orientation: "h", y: 1, yanchor: "bottom", x: 0, itemsizing: "constant" };
    draw(plot, structureTraces(c), layout({ scene, legend, margin: { l: 0, r: 0, t: 30, b: 0 } }))
      .then(() => { plot.dataset.drawn = c.name; })
      .catch(() => { byId("structure-note").textContent = "This browser cannot draw in three dimensions; the sites lie beside the page."; });
    byId("structure-note").textContent = `${c.name}: ${c.kind}; the longest arrow is `
      + `${Math.max(...c.moments.map(Math.abs)).toFixed(3)} μB, none is drawn below ${SMALLEST} μB.${siteWords(c)}`;
  }

  function siteWords(c) {
    const chosen = byId("structure-site").value;
    if (chosen === "") return "";
    const n = Number(chosen);
    const place = c.positions[n].map((v) => v.toFixed(3)).join(", ");
    return ` Site ${c.species[n]} ${n + 1}: at (${place}) Å in the picture, ${moment(c.moments[n])}.`;
  }

  function structureTraces(c) {
    const looks = ["blue", "orange", "green", "purple", "grey"];
    const hosts = unique(c.species.filter((_, n) => !c.dopants.includes(n)));
    const traces = [edges(c), bonds(c)];
    hosts.forEach((symbol, n) => {
      const sites = [...c.species.keys()].filter((i) => c.species[i] === symbol && !c.dopants.includes(i));
      traces.push(atoms(c, sites, symbol, { size: n ? 7 : 5, color: n ? colour("soft") : colour(looks[(n + 2) % 5]), opacity: 0.75 }));
    });
    const dope = { size: 15, color: colour("orange"), line: { color: colour("ink"), width: 2 }, opacity: 1 };
    traces.push(atoms(c, c.dopants, `dopants ${unique(c.dopants.map((i) => c.species[i])).join(", ")}`, dope));
    traces.push(...arrows(c, 1, "moment up", "vermilion"), ...arrows(c, -1, "moment down", "blue"));
    if (byId("structure-site").value !== "") {
      const site = Number(byId("structure-site").value);
      traces.push(atoms(c, [site], "chosen site", { size: 24, symbol: "circle-open", color: colour("ink"), opacity: 1 }));
    }
    return traces;
  }

  function atoms(c, sites, name, marker) {
    const text = sites.map((i) => `${c.species[i]} ${i + 1}${c.dopants.includes(i) ? ", dopant" : ""}<br>${moment(c.moments[i])}`);
    const [x, y, z] = [0, 1, 2].map((k) => sites.map((i) => c.positions[i][k]));
    return { type: "scatter3d", mode: "markers", x, y, z, name, marker, text, hovertemplate: "%{text}<extra></extra>" };
  }

  function lines(segments, look) {
    const [x, y, z] = [0, 1, 2].map((k) => segments.flatMap(([a, b]) => [a[k], b[k], null]));
    return { type: "scatter3d", mode: "lines", x, y, z, line: look, hoverinfo: "skip", showlegend: false };
  }

  function edges(c) {
    const at = (p) => [0, 1, 2].map((k) => p[0] * c.lattice[0][k] + p[1] * c.lattice[1][k] + p[2] * c.lattice[2][k]);
    const segments = [];
    for (const i of [0, 1]) {
      for (const j of [0, 1]) {
        segments.push([at([0, i, j]), at([1, i, j])], [at([i, 0, j]), at([i, 1, j])], [at([i, j, 0]), at([i, j, 1])]);
      }
    }
    return lines(segments, { color: colour("soft"), width: 2 });
  }

  const bonds = (c) => lines(c.bonds.map(([i, j]) => [c.positions[i], c.positions[j]]), { color: colour("line"), width: 3 });

  // An arrow is centred on its site: a shaft, and a cone that ends where the arrow ends.
  function arrows(c, sign, name, hue) {
    const largest = Math.max(...c.moments.map(Math.abs), 1e-9);
    const sites = [...c.moments.keys()].filter((i) => sign * c.moments[i] >= SMALLEST);
    if (!sites.length) return [];
    const shafts = sites.map((i) => {
      const [x, y, z] = c.positions[i];
      const half = (0.5 * LONGEST * c.moments[i]) / largest;
      return [[x, y, z - half], [x, y, z + half]];
    });
    const heads = sites.map((i) => (HEAD * c.moments[i]) / largest);
    const cone = {
      type: "cone", x: shafts.map((s) => s[1][0]), y: shafts.map((s) => s[1][1]), z: shafts.map((s) => s[1][2]),
      u: heads.map(() => 0), v: heads.map(() => 0), w: heads, sizemode: "raw", sizeref: 1, anchor: "tail", name, showlegend: true,
      showscale: false, colorscale: [[0, colour(hue)], [1, colour(hue)]], text: sites.map((i) => moment(c.moments[i])),
      hovertemplate: "%{text}<extra></extra>", lighting: { ambient: 0.8 },
    };
    return [lines(shafts, { color: colour(hue), width: 8 }), cone];
  }

  // ---- convergence ---------------------------------------------------------------------------------------------------
  const traces = data.traces;
  const HUES = ["blue", "orange", "green", "vermilion", "purple", "grey"];

  function setUpTraces() {
    if (!traces.length) return;
    option(byId("trace-job"), "", "all");
    for (const t of traces) option(byId("trace-job"), t.job, t.job);
    byId("trace-job").addEventListener("change", drawTraces);
  }

  function drawTraces() {
    if (!traces.length) return;
    const chosen = byId("trace-job").value;
    const kept = traces.filter((t) => chosen === "" || t.job === chosen);
    const drawn = kept.map((t) => ({
      x: t.step, y: t.change.map((v) => (v === 0 ? null : Math.abs(v))), name: t.job, mode: "lines+markers", marker: { size: 4 },
      line: { color: colour(HUES[traces.indexOf(t) % 6]), dash: ["solid", "dash", "dot", "dashdot"][Math.floor(traces.indexOf(t) / 6) % 4] },
      customdata: t.ionic, hovertemplate: "%{fullData.name}<br>ionic step %{customdata}, SCF step %{x}: %{y:.2e} eV<extra></extra>",
    }));
    const limits = unique(kept.map((t) => t.tolerance).filter((v) => v !== null));
    const shapes = limits.map((v) => ({
      type: "line", xref: "paper", yref: "y", x0: 0, x1: 1, y0: v, y1: v, line: { color: colour("ink"), dash: "dash", width: 1 },
    }));
    draw(byId("trace-plot"), drawn, layout({
      shapes, showlegend: kept.length <= 12, legend: { orientation: "v", font: { size: 10 } },
      xaxis: axis("SCF step"), yaxis: axis("|change of the energy| (eV per cell)", { type: "log" }),
    }));
  }

  // ---- transport -------------------------------------------------------------------------------------------------------
  // TMR in percent; the line is broken where I(AP) passes zero and TMR its pole.
  function ratio(c) {
    const points = c.bias_mV.flatMap((x, n) => {
      const pole = n > 0 && Math.sign(c.AP_total_nA[n - 1]) !== Math.sign(c.AP_total_nA[n]);
      const here = [x, c.tmr[n] === null ? null : 100 * c.tmr[n]];
      return pole ? [[x, null], here] : [here];
    });
    return { x: points.map((p) => p[0]), y: points.map((p) => p[1]) };
  }

  function drawTransport() {
    for (const plot of document.querySelectorAll("[data-transport]")) {
      const c = data.transport.find((t) => t.place === plot.dataset.transport).columns;
      const curve = (name, key, hue, dash) => ({
        x: c.bias_mV, y: c[key], name, mode: "lines", line: { color: colour(hue), dash, width: dash === "solid" ? 2 : 1.2 },
      });
      const drawn = [
        curve("P", "P_total_nA", "blue", "solid"), curve("P up", "P_up_nA", "blue", "dash"), curve("P down", "P_down_nA", "blue", "dot"),
        curve("AP", "AP_total_nA", "vermilion", "solid"), curve("AP up", "AP_up_nA", "vermilion", "dash"),
        curve("AP down", "AP_down_nA", "vermilion", "dot"),
        { ...ratio(c), name: "TMR", mode: "lines", xaxis: "x2", yaxis: "y2", line: { color: colour("green"), width: 2 } },
      ];
      const narrow = plot.clientWidth < 560;
      plot.style.height = narrow ? "40rem" : "";
      const grid = narrow ? { rows: 2, columns: 1, pattern: "independent", ygap: 0.35 } : { rows: 1, columns: 2, pattern: "independent" };
      const sizes = c.tmr.filter((v) => v !== null).map((v) => Math.abs(100 * v)).sort((a, b) => a - b);
      const reach = Math.max(10, 1.5 * (sizes[Math.floor(0.95 * sizes.length)] || 100));
      draw(plot, drawn, layout({
        grid, xaxis: axis("bias (mV)"), yaxis: axis("current (nA)"), xaxis2: axis("bias (mV)"),
        yaxis2: axis("TMR (%)", { range: [-reach, reach] }),
      }));
    }
  }

  function drawAll() {
    drawEnergies();
    drawDos();
    drawStructure(false);
    drawTraces();
    drawTransport();
  }

  for (const form of document.forms) form.addEventListener("submit", (event) => event.preventDefault());
  setUpDos();
  setUpStructures();
  setUpTraces();
  drawAll();
  dark.addEventListener("change", drawAll);
  const folded = [...document.querySelectorAll("details[data-print]")];
  let opened = [];
  window.addEventListener("beforeprint", () => {
    printing = true;
    opened = folded.filter((d) => !d.open);
    for (const d of opened) d.open = true;
    document.documentElement.classList.add("printing");
    drawAll();
  });
  window.addEventListener("afterprint", () => {
    printing = false;
    for (const d of opened) d.open = false;
    document.documentElement.classList.remove("printing");
    drawAll();
  });
  document.documentElement.dataset.ready = "yes";
})();
