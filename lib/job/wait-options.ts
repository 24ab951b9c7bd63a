/** How long to wait for something of a job. */
export interface WaitOptions {
  /** Milliseconds to wait at most. Ends the waiting only, not the job. */
  readonly timeoutMs?: number | null | undefined;
  /** Ends the waiting only, not the job. */
  readonly signal?: AbortSignal | null | undefined;
}

export const WAIT_OPTIONS = ['timeoutMs', 'signal'] as const satisfies readonly (keyof WaitOptions)[];
