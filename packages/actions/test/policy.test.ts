import { instant } from '@routerd/resources';
import { expect, test } from 'vitest';
import { localTimeIn } from '../src/local-time.ts';
import { admit, describeRefusal, type ActionPolicy, type AdmissionContext, type PolicyGate } from '../src/policy.ts';
import { assign, policy, proposal } from './engine-rig.ts';

const context = (changes: Partial<AdmissionContext> = {}): AdmissionContext => ({
  mode: 'execute',
  isApproved: false,
  admittedInRun: new Map(),
  localTimeIn: () => ({ weekday: 'wed', minutes: 12 * 60 }),
  ...changes,
});
const window = { days: ['mon', 'tue'], start: '22:00', end: '04:00', timezone: 'Europe/Berlin' } as const;
const spec = (changes: Partial<ActionPolicy['spec']>): ActionPolicy[] => [policy(changes)];

test.each<[string, ActionPolicy[], Partial<AdmissionContext>, PolicyGate, string]>([
  ['no policy', [], {}, 'policy', 'execution is disabled (no ProviderActionPolicy)'],
  ['a disabled policy', spec({ enabled: false }), {}, 'policy', 'execution is disabled (policy.enabled=false)'],
  [
    'one of two policies for one provider',
    [policy({}, 'a'), policy({ allowedActions: ['unassign-secondary-ip'] }, 'b')],
    {},
    'verb',
    'action "assign-secondary-ip" is not in allowedActions',
  ],
  [
    'the approval that the second policy requires',
    [policy({}, 'a'), policy({ requireApproval: true }, 'b')],
    { isApproved: false },
    'approval',
    'action is pending and not approved (approval required)',
  ],
  [
    'the bound of either policy',
    [policy({ maxActionsPerRun: 9 }, 'a'), policy({ maxActionsPerRun: 2 }, 'b')],
    {
      admittedInRun: new Map([
        ['a', 2],
        ['b', 2],
      ]),
    },
    'bound',
    'maxActionsPerRun is 2: left for the next run',
  ],
  [
    'dry-run only',
    spec({ dryRunOnly: true }),
    {},
    'dry-run',
    'live execution rejected: policy.dryRunOnly is true (mode=execute not permitted)',
  ],
  [
    'a provider not listed',
    spec({ allowedProviders: [] }),
    {},
    'provider',
    'provider "aws" is not in allowedProviders',
  ],
  [
    'a providerRef not listed',
    spec({ allowedProviderRefs: ['aws-lab'] }),
    {},
    'provider-ref',
    'providerRef "aws-main" is not in allowedProviderRefs',
  ],
  [
    'a verb not listed',
    spec({ allowedActions: [] }),
    {},
    'verb',
    'action "assign-secondary-ip" is not in allowedActions',
  ],
  [
    'an address outside',
    spec({ allowedCIDRs: ['10.77.61.0/24' as never] }),
    {},
    'cidr',
    'target address "10.77.60.10/32" is not within any allowedCIDR',
  ],
  [
    'the wrong time',
    spec({ executionWindow: { ...window, days: [...window.days] } }),
    {},
    'window',
    'outside executionWindow mon,tue 22:00-04:00 Europe/Berlin',
  ],
  [
    'an unknown time zone',
    spec({ executionWindow: { ...window, days: [...window.days], timezone: 'Europe/Atlantis' } }),
    { localTimeIn: (timezone) => localTimeIn(timezone, instant(0)) },
    'window',
    'executionWindow has the unknown time zone "Europe/Atlantis"',
  ],
  [
    'no bound',
    spec({ maxActionsPerRun: 0 }),
    {},
    'bound',
    'maxActionsPerRun is 0: no actions permitted (operator must set a positive bound)',
  ],
  [
    'a full run',
    spec({ maxActionsPerRun: 2 }),
    { admittedInRun: new Map([['policy', 2]]) },
    'bound',
    'maxActionsPerRun is 2: left for the next run',
  ],
  [
    'no approval',
    spec({ requireApproval: true }),
    {},
    'approval',
    'action is pending and not approved (approval required)',
  ],
])('%s is refused at its own gate, with its message', (_, policies, changes, gate, message) => {
  const refusal = admit(policies, assign(10), context(changes));
  expect(refusal).toMatchObject({ kind: 'refused', gate, message });
  expect(refusal.kind === 'refused' && refusal.remedy).toMatch(/\.$/);
  expect(refusal.kind === 'refused' && describeRefusal(7, refusal)).toBe(`policy gate denied action 7: ${message}`);
});

test('the gates are asked in their order', () => {
  const failing: Partial<ActionPolicy['spec']> = {
    enabled: false,
    dryRunOnly: true,
    allowedProviders: [],
    allowedProviderRefs: ['other'],
    allowedActions: [],
    allowedCIDRs: ['10.0.0.0/24' as never],
    executionWindow: { ...window, days: [...window.days] },
    maxActionsPerRun: 0,
    requireApproval: true,
  };
  const healthy = policy().spec;
  const gates: string[] = [];
  let changes = failing;
  for (const field of Object.keys(failing) as (keyof typeof failing)[]) {
    const result = admit(spec(changes), assign(10), context());
    if (result.kind === 'refused') gates.push(result.gate);
    changes = { ...changes, [field]: healthy[field] };
  }
  expect(gates).toEqual([
    'policy',
    'dry-run',
    'provider',
    'provider-ref',
    'verb',
    'cidr',
    'window',
    'bound',
    'approval',
  ]);
  expect(admit(spec(changes), assign(10), context()).kind).toBe('admitted');
});

test('the zero policy allows nothing', () => {
  const zero = spec({
    enabled: false,
    dryRunOnly: true,
    requireApproval: true,
    allowedProviders: [],
    allowedActions: [],
    maxActionsPerRun: 0,
  });
  for (const mode of ['dry-run', 'execute'] as const)
    expect(admit(zero, assign(10), context({ mode, isApproved: true })).kind).toBe('refused');
});

test('a dry run passes what only keeps real runs back', () => {
  const policies = spec({ dryRunOnly: true, requireApproval: true });
  expect(admit(policies, assign(10), context({ mode: 'dry-run' })).kind).toBe('admitted');
});

test('the enabled policies that cover the provider are the ones that count, in any order', () => {
  const aws = policy({}, 'z');
  const azure = policy({ allowedProviders: ['azure'], dryRunOnly: true }, 'a');
  const disabled = policy({ enabled: false }, 'b');
  for (const policies of [
    [aws, azure, disabled],
    [disabled, azure, aws],
  ])
    expect(admit(policies, assign(10), context())).toEqual({ kind: 'admitted', policies: [aws] });
  const second = policy({}, 'c');
  expect(admit([aws, second], assign(10), context())).toEqual({ kind: 'admitted', policies: [second, aws] });
});

test('a policy that is added only restricts', () => {
  const narrow = policy({ allowedCIDRs: ['10.9.0.0/16' as never] }, 'narrow');
  const wide = policy({}, 'wide');
  expect(admit([narrow], assign(10), context()).kind).toBe('refused');
  expect(admit([narrow, wide], assign(10), context()).kind).toBe('refused');
});

test('a verb about the whole NIC is held to the networks by its representative address', () => {
  const policies = spec({ allowedCIDRs: ['10.77.60.0/24' as never] });
  expect(admit(policies, proposal('ensure-forwarding-enabled', 10, 1), context()).kind).toBe('admitted');
});
