/**
 * What federation needs of a hub: two ordered logs, and messages that nobody keeps. All decisions are made above this port;
 * NATS and the in-memory network below it only carry.
 *
 * 1. Between `connected` and the next `disconnected` each log is read from its start (`restarted`, then `received`, then
 *    `caughtUp` once, at the end that the log had when reading began), and then as it grows. Sequences grow; a log that keeps
 *    only the last messages of each subject has gaps in them.
 * 2. A reader may be restarted at any time; what was read before is then read again.
 * 3. Nothing is sent later than the call: a publish that cannot be written now fails now.
 */
import type { Result } from '@routerd/resources';

export interface LogMessage {
  readonly sequence: number;
  readonly subject: string;
  readonly data: Uint8Array;
}

export interface LogReader {
  /**
   * Reading begins anew. The log of events is a history and is read on from where this connection's predecessor ended, unless it is another
   * log than before.
   */
  restarted(): void;
  received(batch: readonly LogMessage[]): void;
  caughtUp(): void;
}

export interface TransportListener {
  readonly facts: LogReader;
  readonly captures: LogReader;
  /** Undefined where nobody keeps events: then they are not read. */
  readonly events?: LogReader | undefined;
  /** The operator's list of members; undefined where its key is not known: then it is not read. */
  readonly roster?: LogReader | undefined;
  heartbeat(subject: string, data: Uint8Array): void;
  connected(hub: string): void;
  disconnected(detail: string): void;
  /** Something that an operator may have to act on; for status. It is logged already. */
  trouble(detail: string): void;
}

export interface TransportFault {
  /**
   * `not-sent`: certainly not in the log, now or later. `refused`: the hub answered that it did not store it.
   * `unanswered`: it may be in the log, or get there.
   */
  readonly code: 'transport.not-sent' | 'transport.refused' | 'transport.unanswered';
  readonly detail: string;
}

export interface OutgoingMessage {
  readonly subject: string;
  /** Two messages of one id, sent within two minutes, are stored once. */
  readonly id: string;
  readonly text: string;
}

export interface Transport {
  start(listener: TransportListener): void;
  /**
   * From now on the hubs are these, or the same as before. A connection to one of them stays, any other is given up for one of them.
   * With `rereads` the logs are read again from their start: what was not believed then may be now.
   */
  reconfigure(servers: readonly string[] | undefined, rereads: boolean): void;
  /** Calls back no more once it resolves. */
  stop(): Promise<void>;
  /** @returns the sequence that the hub acknowledged. Calls made in one order arrive in that order. */
  publishFact(message: OutgoingMessage): Promise<Result<number, TransportFault>>;
  /** As {@link publishFact}; absent where the network carries no events. */
  readonly publishEvent?: (message: OutgoingMessage) => Promise<Result<number, TransportFault>>;
  /** As {@link publishFact}. Acknowledged is not decided: only reading the record back is. */
  appendCapture(message: OutgoingMessage): Promise<Result<number, TransportFault>>;
  /** Sequence of the last record of the capture log now; 0 when it never had one. */
  captureTail(): Promise<Result<number, TransportFault>>;
  /**
   * Another node says that it has read a log that far: whoever is behind it may look into it. Absent where all that is read comes from the log
   * itself and not from copies of it.
   */
  readonly logReached?: (log: 'facts' | 'captures', sequence: number) => void;
  /** Best effort, and silent while disconnected. */
  publishHeartbeat(subject: string, text: string): void;
}
