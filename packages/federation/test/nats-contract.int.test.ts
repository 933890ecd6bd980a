import { federationContract } from '@routerd/federation/contract';
import { afterAll, beforeAll } from 'vitest';
import { openHub, type HubUnderTest } from './nats-rig.ts';

let under: HubUnderTest | undefined;

beforeAll(async () => {
  under = await openHub();
});

afterAll(async () => {
  await under?.close();
});

federationContract('a hub with TLS and permissions', async () => {
  if (under === undefined) throw new Error('the hub did not start');
  return under.openRig();
});
