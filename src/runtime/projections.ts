/** One projection as operators see it. */
export interface ProjectionStatus {
  readonly name: string;
  /** Where the live read model stands. */
  readonly position: number;
  /** Events of the log behind the head. */
  readonly lag: number;
  readonly state: 'waiting' | 'catching-up' | 'live' | 'rebuilding' | 'stopped' | 'faulty';
  /** Whether this worker holds the lease. */
  readonly held: boolean;
  readonly faultyRows: number;
  readonly error?: string;
  /** Set while a new generation is built. */
  readonly rebuild?: { readonly position: number; readonly head: number };
}

/** The projections of this processor. */
export interface Projections {
  list(): Promise<readonly ProjectionStatus[]>;
  /** Starts a rebuild beside the live read model; resolves when it has been swapped in. @throws UNKNOWN_PROJECTION */
  rebuild(name: string, onProgress?: (done: number, of: number) => void): Promise<void>;
  /** Resolves when the live read model has seen the position. @throws READ_MODEL_BEHIND after `waitForMs`. */
  waitFor(name: string, position: number): Promise<void>;
}
