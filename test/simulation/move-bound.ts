/** I6: how often a capture may change hands, by what has happened to it. */
import type { CaptureKey } from '@routerd/mobility';
import type { RegistryAudit } from './registry-audit.ts';
import type { Story, StoryEvent } from './story.ts';
import { quadOf, type Site } from './topology.ts';
import type { Violation } from './violation.ts';

/** Claimed, and ended: each of both is a new epoch. */
const BY_ITSELF = 4;
/** What happens to a router moves a capture away and back, and what was begun may have to be begun again. */
const PER_FAULT = 6;
/** An address that comes, goes or is disputed is released and captured again. */
const PER_ADDRESS_EVENT = 6;
const SPLIT_MOVE_MS = 500;

export class MoveBound {
  readonly #story: Story;
  readonly #audit: RegistryAudit;

  constructor(story: Story, audit: RegistryAudit) {
    this.#story = story;
    this.#audit = audit;
  }

  check(report: (violation: Omit<Violation, 'at'>) => void): void {
    for (const [key, tenures] of this.#audit.allTenures()) {
      const bound = this.#boundOf(key);
      if (tenures > bound)
        report({ invariant: 'I6', what: `${key} changed hands ${tenures} times; ${bound} would be explained` });
    }
  }

  #boundOf(key: CaptureKey): number {
    const site = this.#story.topology.sites.find(
      ({ name }) => key.includes(`:${name}-main:`) || key.includes(`site:${name}:`),
    );
    const events = this.#story.events.map((event) => (site === undefined ? PER_FAULT : movesOf(event, key, site)));
    return BY_ITSELF + events.reduce((sum, moves) => sum + moves, 0);
  }
}

function movesOf({ happens }: StoryEvent, key: CaptureKey, site: Site): number {
  if ('address' in happens) return key.includes(`|${quadOf(happens.address)}/32|`) ? PER_ADDRESS_EVENT : 0;
  // Slow or fast, what a clock measures is the same few per cent off for all that it measures: no reason for anything to move.
  if (happens.what === 'clock-drift') return 0;
  // A site that cannot be heard makes its leases stale everywhere; what concerns one site can end leases at all.
  if (happens.what === 'drain' || happens.what === 'ordered-drain' || happens.what === 'other-rules')
    return 2 * PER_FAULT;
  // Of two masters that do not hear each other each claims the addresses, in turn, as often as the doubt of the other allows.
  if (happens.what === 'vrrp' && happens.kind === 'split')
    return happens.site === site.name ? PER_FAULT + Math.ceil(happens.forMs / SPLIT_MOVE_MS) : 0;
  if ('site' in happens && happens.what !== 'site-partition') return happens.site === site.name ? PER_FAULT : 0;
  return PER_FAULT;
}
