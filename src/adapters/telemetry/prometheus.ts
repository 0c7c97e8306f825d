import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { GaugeValue, Labels, Telemetry } from '../../ports/telemetry.ts';

export interface PrometheusOptions {
  /** Before every name. Default `statewright_`. */
  readonly prefix?: string;
  /** Adds the process's own numbers: memory, CPU, event loop, garbage collection. Default true. */
  readonly processMetrics?: boolean;
}

/** Telemetry that Prometheus scrapes. */
export interface PrometheusTelemetry extends Telemetry {
  readonly contentType: string;
  /** Everything counted so far, and every gauge as it is now. */
  render(): Promise<string>;
}

/**
 * Telemetry in a registry of its own, named as Prometheus asks: counters end in `_total`, durations are histograms in
 * seconds. The labels of a counter or a histogram are those of its first use; others given later are left out.
 */
export function prometheusTelemetry(options: PrometheusOptions = {}): PrometheusTelemetry {
  const { prefix = 'statewright_', processMetrics = true } = options;
  const registry = new Registry();
  const counters = new Map<string, Counter>();
  const histograms = new Map<string, Histogram>();
  const gauges = new Map<string, () => readonly GaugeValue[]>();
  if (processMetrics) collectDefaultMetrics({ register: registry, prefix });

  return {
    contentType: registry.contentType,
    count(name, labels = {}, by = 1) {
      let counter = counters.get(name);
      if (counter === undefined) {
        const full = `${prefix}${word(name).replace(/_total$/, '')}_total`;
        counter = new Counter({ name: full, help: help(name), labelNames: Object.keys(labels), registers: [registry] });
        counters.set(name, counter);
      }
      counter.inc(known(labels, counter), by);
    },
    observeMs(name, durationMs, labels = {}) {
      let histogram = histograms.get(name);
      if (histogram === undefined) {
        const full = `${prefix}${word(name).replace(/_(ms|seconds)$/, '')}_seconds`;
        const labelNames = Object.keys(labels);
        histogram = new Histogram({
          name: full,
          help: help(name),
          labelNames,
          buckets: BUCKETS,
          registers: [registry],
        });
        histograms.set(name, histogram);
      }
      histogram.observe(known(labels, histogram), durationMs / 1000);
    },
    gauge(name, read) {
      gauges.set(name, read);
    },
    async render() {
      const now = new Registry();
      for (const [name, read] of gauges) {
        const values = read();
        // Without labels or values, prom-client would tell a zero that nobody said.
        if (values.length === 0) continue;
        const labelNames = [...new Set(values.flatMap(({ labels = {} }) => Object.keys(labels)))];
        const gauge = new Gauge({ name: `${prefix}${word(name)}`, help: help(name), labelNames, registers: [now] });
        for (const { labels = {}, value } of values) gauge.set(labels, value);
      }
      return `${await registry.metrics()}${await now.metrics()}`;
    },
  };
}

/** From a millisecond to ten seconds. */
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** `http.requests` and `inFlight` as Prometheus writes names: `http_requests`, `in_flight`. */
function word(name: string): string {
  return name
    .replace(/(?<=[a-z0-9])(?=[A-Z])/g, '_')
    .replace(/[^A-Za-z0-9_]+/g, '_')
    .toLowerCase();
}

const help = (name: string) => `${word(name).replaceAll('_', ' ')}.`;

function known(labels: Labels, metric: Counter | Histogram): Record<string, string> {
  const { labelNames } = metric as unknown as { readonly labelNames: readonly string[] };
  return Object.fromEntries(Object.entries(labels).filter(([name]) => labelNames.includes(name)));
}
