// Draws the charts of the page from the JSON block beside it. What they show is also in tables or captions.
"use strict";
const format = (value) => {
  if (value === 0 || (Math.abs(value) >= 0.001 && Math.abs(value) < 1e4)) {
    return value.toLocaleString("en", { maximumSignificantDigits: 3 });
  }
  return Math.abs(value) < 0.001 ? d3.format(".1e")(value) : d3.format(".3~s")(value);
};
const percent = d3.format(".1%");
const colors = ["var(--accent)", "var(--second)", "var(--good)", "var(--bad)", "var(--quiet)"];

const drawers = {
  // {labels: [text], values: [number], notes: [text]}: horizontal bars.
  bars({ labels, values, notes }) {
    const rows = labels.map((label, n) => ({ label: `${label}\u2007`, value: values[n], note: notes[n] }));
    return {
      width: 900, height: 30 + 22 * rows.length, marginLeft: 260, marginRight: 130,
      x: { grid: true, label: null, tickFormat: format },
      y: { label: null, domain: rows.map((row) => row.label) },
      marks: [
        Plot.barX(rows, { x: "value", y: "label", fill: "var(--accent)" }),
        Plot.text(rows, { x: "value", y: "label", text: "note", textAnchor: "start", dx: 5, fill: "currentColor" }),
        Plot.ruleX([0]),
      ],
    };
  },

  // {series: [{name, bars: [[from, to, share]]}], is_log}: histograms over each other.
  histogram({ series, is_log }) {
    const single = series.length === 1;
    const marks = series.flatMap(({ name, bars }, n) => {
      const rows = bars.map(([from, to, share]) => ({ from, to, share, name }));
      const outline = bars.flatMap(([from, to, share]) => [{ x: from, share }, { x: to, share }]);
      return single
        ? [Plot.rectY(rows, { x1: "from", x2: "to", y: "share", fill: colors[n], insetLeft: 0.5,
            title: (row) => `${format(row.from)} to ${format(row.to)}: ${percent(row.share)}` })]
        : [Plot.areaY(outline, { x: "x", y: "share", fill: colors[n % colors.length], fillOpacity: 0.12 }),
           Plot.lineY(outline, { x: "x", y: "share", stroke: colors[n % colors.length], strokeWidth: 1.5 })];
    });
    return {
      width: 330, height: 130, marginLeft: 42, marginBottom: 22, marginTop: 8,
      x: { type: is_log ? "log" : "linear", label: null, ticks: 4, tickFormat: format },
      y: { label: null, ticks: 3, tickFormat: d3.format("~%"), grid: true },
      marks: [...marks, Plot.ruleY([0])],
    };
  },

  // {x_label, y_label, points: [{series, x, y, low, high}]}: curves with intervals.
  curves({ x_label, y_label, points }) {
    const names = [...new Set(points.map((point) => point.series))];
    const color = (point) => colors[names.indexOf(point.series) % colors.length];
    return {
      width: 620, height: 260, marginLeft: 60,
      x: { label: x_label, grid: true }, y: { label: y_label, grid: true, tickFormat: format },
      marks: names.flatMap((name, n) => {
        const own = points.filter((point) => point.series === name);
        return [
          Plot.areaY(own, { x: "x", y1: "low", y2: "high", fill: colors[n % colors.length], fillOpacity: 0.15 }),
          Plot.lineY(own, { x: "x", y: "y", stroke: colors[n % colors.length], marker: "circle" }),
          Plot.text(own.slice(-1), { x: "x", y: "y", text: "series", dx: 6, textAnchor: "start", fill: color }),
        ];
      }),
    };
  },

  // {points: [{label, group, value, low, high}], x_label, zero}: values with intervals.
  intervals({ points, x_label, zero }) {
    return {
      width: 900, height: 50 + 22 * points.length, marginLeft: 260, marginRight: 40,
      x: { label: x_label, grid: true }, y: { label: null, domain: points.map((point) => point.label) },
      marks: [
        ...(zero ? [Plot.ruleX([0], { stroke: "var(--quiet)" })] : []),
        Plot.ruleY(points, { y: "label", x1: "low", x2: "high", stroke: "var(--accent)", strokeWidth: 3, strokeOpacity: 0.45 }),
        Plot.dot(points, { y: "label", x: "value", fill: "var(--accent)", r: 4,
          title: (point) => `${format(point.value)} (${format(point.low)} to ${format(point.high)})` }),
      ],
    };
  },
};

for (const { id, kind, alt, data } of JSON.parse(document.getElementById("charts").textContent)) {
  const figure = document.getElementById(id);
  const svg = Plot.plot({ style: { background: "none", color: "inherit", fontSize: "12px" }, ...drawers[kind](data) });
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", alt);
  figure.prepend(svg);
}
