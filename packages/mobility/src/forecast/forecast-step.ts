/** What would happen, in order. Steps of one round and router that are alike are one step for all their addresses. */
import type { HostAddress, Instant, NodeName } from '@routerd/resources';
import type { CaptureDomain } from '../capture-record.ts';
import type { ActionVerb, LeaseStatus, Provider } from '../model.ts';

export type ForecastEvent =
  | { readonly what: 'lease'; readonly status: LeaseStatus | 'none'; readonly owner: NodeName | undefined }
  /** Every router of a site delivers, whether it captures or not. */
  | { readonly what: 'deliver'; readonly via: NodeName | undefined }
  | { readonly what: 'claim'; readonly domain: CaptureDomain; readonly from: NodeName | undefined }
  | { readonly what: 'hold' | 'release' | 'vacate'; readonly domain: CaptureDomain }
  | {
      readonly what: 'call';
      readonly verb: ActionVerb;
      readonly provider: Provider | undefined;
      readonly nicRef: string;
      /** Routers whose NIC loses addresses by this. */
      readonly seizedFrom: readonly NodeName[];
      readonly calls: number;
    }
  | { readonly what: 'answer' | 'fall-silent' };

export type ForecastStep = ForecastEvent & {
  /** When, if every step took no time: only holds and ends of facts do. */
  readonly at: Instant;
  /** Counts from 1; steps of one round do not wait for each other. */
  readonly round: number;
  readonly node: NodeName;
  readonly addresses: readonly HostAddress[];
};

export class StepLog {
  readonly #steps: (ForecastStep & { readonly addresses: HostAddress[] })[] = [];
  readonly #open = new Map<string, HostAddress[]>();
  #round = 0;

  /** A new round begins at its first step. */
  nextRound(): void {
    if (this.#open.size > 0) this.#round += 1;
    this.#open.clear();
  }

  add(at: Instant, node: NodeName, address: HostAddress, event: ForecastEvent): void {
    const key = JSON.stringify([node, event]);
    const open = this.#open.get(key);
    if (open !== undefined) return void open.push(address);
    const addresses = [address];
    this.#open.set(key, addresses);
    this.#steps.push({ ...event, at, round: this.#round + 1, node, addresses });
  }

  /** A batch that is one step already. */
  addBatch(at: Instant, node: NodeName, addresses: readonly HostAddress[], event: ForecastEvent): void {
    this.#open.set(`${node} batch ${this.#steps.length}`, []);
    this.#steps.push({ ...event, at, round: this.#round + 1, node, addresses: [...addresses] });
  }

  steps(): readonly ForecastStep[] {
    return this.#steps;
  }
}
