import { expect, test } from 'vitest';
import { contextOf, withoutSecrets } from '../src/context.ts';
import { route } from './observer-rig.ts';

const NET = 'net.routerd.net/v1alpha1';

test('a plugin is shown what its allow-list names, and nothing else', () => {
  const effective = [route('a', '192.0.2.0/25'), route('b', '192.0.2.128/25')];
  expect(contextOf([], effective)).toEqual([]);
  const allowed = [
    { apiVersion: NET, kind: 'IPv4Route', name: 'b' },
    { apiVersion: NET, kind: 'Interface', name: 'a' },
    { apiVersion: 'hybrid.routerd.net/v1alpha1', kind: 'IPv4Route', name: 'a' },
  ];
  expect(contextOf(allowed, effective)).toEqual([
    { apiVersion: NET, kind: 'IPv4Route', name: 'b', spec: expect.objectContaining({ destination: '192.0.2.128/25' }) },
  ]);
});

test.each([
  [
    { privateKey: 'x', mtu: 1400 },
    { privateKey: '', mtu: 1400 },
  ],
  [
    { Private_Key: 'x', 'pre-shared-key': 'x', PSK: 7 },
    { Private_Key: '', 'pre-shared-key': '', PSK: '' },
  ],
  [{ a: { credentials: { id: 'x' }, tokens: ['x'] } }, { a: {} }],
  [{ privateKeyFile: '/x', identitySecretFile: '/x', passwordFile: '/x', seedFile: '/s' }, { seedFile: '/s' }],
  [
    { passwordFrom: { env: 'X' }, valueFrom: { file: '/x' }, addressFrom: { interface: 'eth0' } },
    { addressFrom: { interface: 'eth0' } },
  ],
  [{ env: { OCI_AUTH_TOKEN: 'x', REGION: 'y' } }, { env: { OCI_AUTH_TOKEN: '', REGION: 'y' } }],
  [{ list: [{ passphrase: 'x' }, 'text', 1, null] }, { list: [{ passphrase: '' }, 'text', 1, null] }],
])('%j is shown as %j', (spec, shown) => {
  expect(withoutSecrets(spec)).toEqual(shown);
});

test('what is redacted is a copy', () => {
  const spec = { nested: { password: 'x' } };
  withoutSecrets(spec);
  expect(spec.nested.password).toBe('x');
});
