import { expect, test } from 'vitest';
import { isSameProposal } from '../src/action-row.ts';
import { assign } from './engine-rig.ts';

const PROPOSAL = { ...assign(10), seize: { from: 'aws-router-a' as never }, target: { region: 'eu-west-1' } };

test.each(Object.keys(PROPOSAL).filter((field) => field !== 'because'))(
  'another %s makes another proposal',
  (field) => {
    expect(isSameProposal(PROPOSAL, { ...PROPOSAL, [field]: 'other' })).toBe(false);
  },
);

test('another key of the target makes another proposal', () => {
  expect(isSameProposal(PROPOSAL, { ...PROPOSAL, target: { zone: 'eu-west-1' } })).toBe(false);
  expect(isSameProposal(PROPOSAL, { ...PROPOSAL, target: { ...PROPOSAL.target, zone: 'a' } })).toBe(false);
});

test('the reasons, and who made the objects, are not compared', () => {
  expect(isSameProposal(PROPOSAL, { ...structuredClone(PROPOSAL), because: [] })).toBe(true);
});
