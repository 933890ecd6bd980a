/** What the parts of one engine share. */
import type { DurationMs, NodeName } from '@routerd/resources';
import type { Clock, Log } from '@routerd/runtime';
import type { FenceRegistry, Journal, ProviderExecutor } from './ports.ts';

export interface EnginePorts {
  /** The node that captures: the engine executes only what names it. */
  readonly self: NodeName;
  readonly journal: Journal;
  readonly executor: ProviderExecutor;
  readonly fence: FenceRegistry;
  readonly clock: Clock;
  /** Evenly between 0 and 1, 1 excluded. */
  readonly random: () => number;
  readonly log: Log;
}

export interface EngineLimits {
  /** Of one provider call that changes something. Azure takes 30 to 90 s for a NIC, minutes in bad cases. */
  readonly executeLimit: DurationMs;
  readonly observeLimit: DurationMs;
  /**
   * How often a NIC that nothing happens to is read again, so that what somebody did to it by hand is noticed. Spread by a quarter either
   * way, so that the routers of a fleet do not ask at one time.
   */
  readonly auditEvery: DurationMs;
  /** Finished rows of the journal are forgotten after so long, and those beyond the count earlier; see `Journal.prune`. */
  readonly keepRowsFor: DurationMs;
  readonly keepRows: number;
  /** How long `stop` waits for calls under way. */
  readonly stopLimit: DurationMs;
}
