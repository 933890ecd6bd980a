/** A journal that is pruned stays as large as at its fullest, however long it lives. */
import { statSync } from 'node:fs';
import type { ActionRow } from '@routerd/actions';
import { instant } from '@routerd/resources';
import { expect, test } from 'vitest';
import { opened, temporaryFile } from './store-rig.ts';

type Proposal = ActionRow['proposal'];
const ROUNDS = 12;
const PER_ROUND = 500;

function assign(number: number): Proposal {
  const address = `10.77.${Math.floor(number / 250) % 250}.${number % 250}/32` as Proposal['address'];
  return {
    idempotencyKey: `mobility:cloudedge:aws:eni-0a1b2c3d4e5f60718:assign-secondary-ip:${address}:epoch:${number}`,
    pool: 'cloudedge' as Proposal['pool'],
    provider: 'aws',
    providerRef: 'aws-main',
    nicRef: 'eni-0a1b2c3d4e5f60718',
    verb: 'assign-secondary-ip',
    address,
    captureKey: `cloudedge|${address}|provider:aws-main:placement:aws` as Proposal['captureKey'],
    captureDomain: 'provider:aws-main:placement:aws' as Proposal['captureDomain'],
    captureEpoch: number as Proposal['captureEpoch'],
    captureHolder: 'aws-router-a' as Proposal['captureHolder'],
    seize: undefined,
    target: { region: 'eu-central-1' },
    riskLevel: 'medium',
    because: [],
  };
}

test('the file does not grow while rows come and go', () => {
  const file = temporaryFile();
  const { journal } = opened(file);
  const sizes: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const now = instant(1_800_000_000_000 + round * 60_000);
    const ids = Array.from({ length: PER_ROUND }, (_, index) => {
      return journal.importProposal(assign(1 + round * PER_ROUND + index), now).row.id;
    });
    for (let first = 0; first < PER_ROUND; first += 50) {
      const batch = ids.slice(first, first + 50);
      journal.openAttempt(batch, `${round}-${first}`, now);
      journal.closeAttempt(`${round}-${first}`, 'succeeded: assigned', now);
    }
    journal.transition(ids, ['pending'], { status: 'succeeded', message: 'assigned at epoch 1' }, now);
    journal.prune({ olderThan: instant(0), keepRows: PER_ROUND, except: new Set() });
    sizes.push(statSync(file).size);
  }
  expect(journal.list()).toHaveLength(PER_ROUND);
  const [, , settled = 0] = sizes;
  expect(sizes.at(-1)).toBeLessThanOrEqual(settled * 1.1);
});
