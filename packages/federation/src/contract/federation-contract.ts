import { describe, it } from 'vitest';
import { deliveryCases } from './delivery-cases.ts';
import { eventCases } from './event-cases.ts';
import { factCases, type WithRig } from './fact-cases.ts';
import type { FederationRig } from './federation-rig.ts';
import { memberCases } from './member-cases.ts';
import { orderCases } from './order-cases.ts';
import { registryCases } from './registry-cases.ts';

/** The behaviour of the three ports over one network. Every case gets a network of its own and takes it down again. */
export function federationContract(name: string, openRig: () => Promise<FederationRig>): void {
  const assertWithRig = async (body: (rig: FederationRig) => Promise<void>): Promise<void> => {
    const rig = await openRig();
    try {
      await body(rig);
    } finally {
      await rig.close();
    }
  };
  const withRig: WithRig = (behaviour, body) => {
    // oxlint-disable-next-line vitest/valid-title -- the cases bring their titles
    it(behaviour, async () => assertWithRig(body));
  };
  describe(`federation over ${name}`, () => {
    describe('facts', () => {
      factCases(withRig);
    });
    describe('deliveries', () => {
      deliveryCases(withRig);
    });
    describe('events', () => {
      eventCases(withRig);
    });
    describe('members', () => {
      memberCases(withRig);
    });
    describe('orders', () => {
      orderCases(withRig);
    });
    describe('capture registry', () => {
      registryCases(withRig);
    });
  });
}
