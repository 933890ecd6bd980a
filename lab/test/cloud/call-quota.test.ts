import { expect, test } from 'vitest';
import { CallQuota } from '../../src/cloud/call-quota.ts';

const assign = { operation: 'AssignPrivateIpAddresses', principal: 'aws-router-a', mutating: true } as const;
const unassign = { ...assign, operation: 'UnassignPrivateIpAddresses' } as const;

test('a bucket lets a burst through, then as many as flow in, and what is refused takes nothing', () => {
  const quota = new CallQuota('aws');
  const kinds = Array.from({ length: 55 }, () => quota.spend(assign, 100, 0)?.kind);
  expect(kinds.filter((kind) => kind === 'let-through')).toHaveLength(50);
  expect(quota.spend(assign, 100, 0)).toEqual({ kind: 'refused', call: 'write', afterMs: 200 });
  expect(quota.spend(assign, 100, 150)).toEqual({ kind: 'refused', call: 'write', afterMs: 50 });
  expect(quota.spend(assign, 100, 200)).toEqual({ kind: 'let-through', call: 'write', left: 0 });
  expect(quota.spend(assign, 100, 60_000)).toMatchObject({ left: 49 });
});

test('AWS counts by API for the whole account, Azure by principal, OCI and GCP the account', () => {
  const left = (cloud: 'aws' | 'azure' | 'oci' | 'gcp', call: typeof assign | typeof unassign, principal = 'a') => {
    const quota = new CallQuota(cloud);
    quota.spend(assign, 2, 0);
    return quota.spend({ ...call, principal }, 2, 0)?.kind;
  };
  expect(left('aws', assign, 'b')).toBe('refused');
  expect(left('aws', unassign)).toBe('let-through');
  expect(left('azure', assign, 'b')).toBe('let-through');
  expect(left('oci', unassign, 'b')).toBe('refused');
  expect(left('gcp', unassign, 'b')).toBe('let-through'); // thirty at once, of 1,500
});

test('signing in, and callers whom nobody knows, are not counted', () => {
  const quota = new CallQuota('oci');
  expect(
    quota.spend({ operation: 'GetSecurityToken', principal: 'oci-router-a', mutating: false }, 2, 0),
  ).toBeUndefined();
  expect(quota.spend({ operation: 'ListPrivateIps', principal: 'unknown', mutating: false }, 2, 0)).toBeUndefined();
});
