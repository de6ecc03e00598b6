// Draws a board from its JSON and from what Prometheus answered, with Grafana's own parts.
// Heatmaps and lines of states are not among those parts: they are drawn here.
import React from "react";
import { createRoot } from "react-dom/client";
import {
  createTheme, dateTime, FieldType, getDisplayProcessor, getValueFormat, ThemeContext, toDataFrame,
} from "@grafana/data";
import { BarGauge, BigValue, GlobalStyles, PanelChrome, TimeSeries } from "@grafana/ui";

const { board, answers, from, to, width } = window.PREVIEW;
const theme = createTheme({ colors: { mode: "dark" } });
const COLUMN = width / 24;
const LINE = 38;
const GAP = 8;
const HEADER = 40;
const EMPTY = "No data";

const named = (legend, labels, text) =>
  legend && legend !== "__auto"
    ? legend.replace(/{{\s*(\w+)\s*}}/g, (_, name) => labels[name] ?? "")
    : Object.values(labels).join(" ") || text;

const range = { from: dateTime(from * 1000), to: dateTime(to * 1000) };
const timeRange = { ...range, raw: range };

function configOf(panel, name) {
  const { defaults = {}, overrides = [] } = panel.fieldConfig ?? {};
  const config = { ...defaults, custom: { ...defaults.custom }, displayName: name };
  for (const { matcher, properties } of overrides) {
    if (matcher.id === "byName" && matcher.options === name) {
      for (const { id, value } of properties) config[id] = value;
    }
  }
  return config;
}

function framesOf(panel) {
  const frames = [];
  for (const target of panel.targets) {
    for (const { metric, values } of answers[panel.id][target.refId]) {
      const name = named(target.legendFormat, metric, panel.title);
      const frame = toDataFrame({
        refId: target.refId,
        fields: [
          { name: "Time", type: FieldType.time, values: values.map(([at]) => at * 1000) },
          { name, type: FieldType.number, labels: metric, config: configOf(panel, name),
            values: values.map(([, value]) => Number(value)) },
        ],
      });
      const field = frame.fields[1];
      field.state = { seriesIndex: frames.length, displayName: name };
      frame.fields[0].display = getDisplayProcessor({ field: frame.fields[0], theme, timeZone: "utc" });
      field.display = getDisplayProcessor({ field, theme, timeZone: "utc" });
      frames.push(frame);
    }
  }
  return frames;
}

const last = (field) => [...field.values].reverse().find((value) => Number.isFinite(value));

function Stat({ panel, frames, size }) {
  if (!frames.length) return <Quiet panel={panel} />;
  const field = frames[0].fields[1];
  const shown = field.display(last(field));
  const mode = panel.options.colorMode;
  return (
    <BigValue theme={theme} width={size.width} height={size.height} colorMode={mode}
      graphMode={frames[0].length > 1 ? "area" : "none"} justifyMode="auto" textMode="value"
      value={mode === "none" ? { ...shown, color: theme.colors.text.primary } : shown}
      sparkline={{ y: field, x: frames[0].fields[0], timeRange }} />
  );
}

const Quiet = ({ panel }) => (
  <div style={{ color: theme.colors.text.secondary, padding: 8 }}>
    {panel.fieldConfig?.defaults?.noValue ?? panel.options?.noValue ?? EMPTY}
  </div>
);

function Lines({ panel, frames, size }) {
  if (!frames.length) return <Quiet panel={panel} />;
  return (
    <TimeSeries frames={frames} width={size.width} height={size.height} timeRange={timeRange}
      timeZone="utc" legend={{ ...panel.options.legend, calcs: [] }} options={panel.options} />
  );
}

function Bars({ panel, frames, size }) {
  if (!frames.length) return <Quiet panel={panel} />;
  const each = Math.min(48, size.height / frames.length);
  return frames.map((frame, number) => {
    const field = frame.fields[1];
    const most = Math.max(...frames.map((one) => last(one.fields[1])), Number.MIN_VALUE);
    return (
      <BarGauge key={number} theme={theme} width={size.width} height={each} orientation="horizontal"
        displayMode="basic" field={{ ...field.config, min: 0, max: field.config.max ?? most }}
        display={field.display} itemSpacing={4}
        value={{ ...field.display(last(field)), title: field.state.displayName }} />
    );
  });
}

const scaleX = (size) => (at) => ((at / 1000 - from) / (to - from)) * size.width;

function Heat({ panel, frames, size }) {
  const bounds = frames
    .map((frame) => ({ frame, edge: Number((frame.fields[1].labels.le ?? "").replace("+Inf", "Infinity")) }))
    .sort((a, b) => a.edge - b.edge);
  const cells = [];
  let most = 0;
  bounds.forEach(({ frame, edge }, row) => {
    const below = row ? new Map(bounds[row - 1].frame.fields[0].values.map((at, n) => [at, bounds[row - 1].frame.fields[1].values[n]])) : new Map();
    frame.fields[0].values.forEach((at, n) => {
      const count = Math.max(0, frame.fields[1].values[n] - (below.get(at) ?? 0));
      most = Math.max(most, count);
      if (count > 0.01) cells.push({ at, row, count });
    });
  });
  if (!frames.length) return <Quiet panel={panel} />;
  const margin = 64;
  const inside = scaleX({ width: size.width - margin });
  const x = (at) => margin + inside(at);
  const high = size.height / bounds.length;
  const wide = Math.max(3, (window.PREVIEW.step / (to - from)) * (size.width - margin));
  const format = getValueFormat(panel.options.yAxis?.unit);
  const shown = (edge) => { const { text, suffix } = format(edge, 2); return `${Number(text) || text}${suffix ?? ""}`; };
  return (
    <svg width={size.width} height={size.height}>
      {bounds.map(({ edge }, row) => (
        <text key={row} x={2} y={size.height - row * high - 3} fontSize={Math.min(10, high)} fill={theme.colors.text.secondary}>
          {edge === Infinity ? "more" : shown(edge)}
        </text>
      ))}
      {cells.map(({ at, row, count }, n) => (
        <rect key={n} x={x(at) - wide} y={size.height - (row + 1) * high} width={wide - 1} height={high - 1}
          fill={theme.visualization.getColorByName("orange")} opacity={0.15 + (0.85 * count) / most} />
      ))}
    </svg>
  );
}

function States({ panel, frames, size }) {
  if (!frames.length) return <Quiet panel={panel} />;
  const x = scaleX(size);
  const high = Math.min(26, size.height / frames.length);
  const wide = Math.max(2, (window.PREVIEW.step / (to - from)) * size.width);
  return (
    <svg width={size.width} height={size.height}>
      {frames.map((frame, row) => (
        <g key={row}>
          {[...frame.fields[1].values].map((value, n) => (
            <rect key={n} x={x(frame.fields[0].values[n]) - wide} y={row * high} width={wide + 0.5} height={high - 2}
              fill={frame.fields[1].display(value).color} />
          ))}
          <text x={4} y={row * high + high * 0.65} fontSize={Math.min(11, high)} fill="white">{frame.fields[1].state.displayName}</text>
        </g>
      ))}
    </svg>
  );
}

const KINDS = {
  stat: Stat, timeseries: Lines, bargauge: Bars, heatmap: Heat, "state-timeline": States,
};

function Panel({ panel, y }) {
  const { x, w, h } = panel.gridPos;
  const size = { width: w * COLUMN - GAP, height: h * LINE - GAP };
  const Kind = KINDS[panel.type];
  const frames = framesOf(panel);
  return (
    <div className="panel" data-panel={panel.title} data-series={frames.length}
      style={{ position: "absolute", left: x * COLUMN, top: HEADER + y * LINE }}>
      <PanelChrome width={size.width} height={size.height} title={panel.title} padding="md">
        {(innerWidth, innerHeight) => (
          <Kind panel={panel} frames={frames} size={{ width: innerWidth, height: innerHeight }} />
        )}
      </PanelChrome>
    </div>
  );
}

const Heading = ({ title, y }) => (
  <div style={{ position: "absolute", left: 4, top: HEADER + y * LINE + 8, fontWeight: 500, color: theme.colors.text.primary }}>
    ⌄ {title}
  </div>
);

// Folded rows are shown open: what is below them moves down.
function Board() {
  const parts = [];
  let moved = 0;
  for (const panel of board.panels) {
    const y = panel.gridPos.y + moved;
    if (panel.type !== "row") {
      parts.push(<Panel key={panel.id} panel={panel} y={y} />);
      continue;
    }
    parts.push(<Heading key={panel.id} title={panel.title} y={y} />);
    for (const inner of panel.panels ?? []) {
      parts.push(<Panel key={inner.id} panel={inner} y={inner.gridPos.y + moved} />);
    }
    if (panel.panels?.length) {
      const bottom = Math.max(...panel.panels.map(({ gridPos }) => gridPos.y + gridPos.h));
      moved += bottom - panel.gridPos.y - 1;
    }
  }
  return parts;
}

document.body.style.cssText =
  `margin:0;background:${theme.colors.background.canvas};color:${theme.colors.text.primary};` +
  `font:14px Inter,Helvetica,Arial,sans-serif;width:${width}px`;
createRoot(document.getElementById("board")).render(
  <ThemeContext.Provider value={theme}>
    <GlobalStyles />
    <div style={{ position: "absolute", left: 8, top: 8, fontSize: 18 }}>{board.title}</div>
    <div style={{ position: "absolute", right: 12, top: 12, color: theme.colors.text.secondary }}>
      preview, drawn from the shipped JSON
    </div>
    <Board />
  </ThemeContext.Provider>,
);
