/** Counts and durations for whoever watches. Labels have few values each: types and names, never ids. */
export interface Telemetry {
  /** Adds to a counter. */
  count(name: string, labels?: Labels, by?: number): void;
  /** Adds one observation to a histogram, in milliseconds. */
  observeMs(name: string, durationMs: number, labels?: Labels): void;
  /** Registers a gauge that is read when somebody looks. */
  gauge(name: string, read: () => readonly GaugeValue[]): void;
}

export type Labels = Readonly<Record<string, string>>;

export interface GaugeValue {
  readonly labels?: Labels;
  readonly value: number;
}

/** A structured logger; pino's shape. */
export interface Logger {
  debug(facts: object, message: string): void;
  info(facts: object, message: string): void;
  warn(facts: object, message: string): void;
  error(facts: object, message: string): void;
}

/** For who watches nothing. */
export const silentTelemetry: Telemetry = { count() {}, observeMs() {}, gauge() {} };

/** For who reads no log. */
export const silentLogger: Logger = { debug() {}, info() {}, warn() {}, error() {} };
