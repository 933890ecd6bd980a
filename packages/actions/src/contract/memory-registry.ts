/** A capture registry in memory: one ordered log per key, first record per revision wins. Can be cut off or overtaken at will. */
import type { CaptureEpoch, CaptureKey, CaptureRecord, CaptureTransition, ClaimId, Revision } from '@routerd/mobility';
import { instant, type NodeName } from '@routerd/resources';
import type { FenceAppendOutcome, FenceRegistry } from '../ports.ts';

export class MemoryRegistry implements FenceRegistry {
  readonly appends: (readonly CaptureTransition[])[] = [];
  /** Runs before each append is judged: the place where another writer comes first. */
  beforeAppend: (() => void) | undefined;
  /** Runs after an append was judged and before its outcome is told. */
  afterAppend: (() => void) | undefined;
  isReachable = true;
  readonly #self: NodeName;
  readonly #records = new Map<CaptureKey, CaptureRecord>();

  constructor(self: NodeName) {
    this.#self = self;
  }

  records(): ReadonlyMap<CaptureKey, CaptureRecord> {
    return this.#records;
  }

  async append(transitions: readonly CaptureTransition[], signal: AbortSignal): Promise<readonly FenceAppendOutcome[]> {
    this.appends.push(transitions);
    await Promise.resolve();
    this.beforeAppend?.();
    const outcomes = transitions.map((transition): FenceAppendOutcome => {
      if (!this.isReachable || signal.aborted) return { kind: 'unreachable', detail: 'no quorum' };
      const current = this.#records.get(transition.key);
      if ((current?.revision ?? 0) !== transition.basedOn) return { kind: 'lost', current, because: 'revision taken' };
      return { kind: 'won', record: this.write(transition, this.#self) };
    });
    this.afterAppend?.();
    return outcomes;
  }

  write(transition: Omit<CaptureTransition, 'basedOn'>, writer: NodeName): CaptureRecord {
    const revision = ((this.#records.get(transition.key)?.revision ?? 0) + 1) as Revision;
    const { key, pool, address, domain, epoch, holder, phase, previous, reason } = transition;
    const claim = `${key}/${revision}` as ClaimId;
    const record = {
      key,
      pool,
      address,
      domain,
      revision,
      epoch,
      holder,
      phase,
      previous,
      writer,
      claim,
      since: instant(0),
      reason,
    };
    this.#records.set(key, record);
    return record;
  }

  /** A new tenure: epoch + 1. */
  seize(
    key: CaptureKey,
    holder: NodeName | undefined,
    fields: Pick<CaptureTransition, 'pool' | 'address' | 'domain'>,
  ): CaptureRecord {
    const current = this.#records.get(key);
    const epoch = ((current?.epoch ?? 0) + 1) as CaptureEpoch;
    const phase = holder === undefined ? 'vacant' : 'acquiring';
    const previous = current?.holder;
    return this.write({ key, ...fields, epoch, holder, phase, previous, reason: 'test' }, holder ?? this.#self);
  }
}
