/** What the author of an executor tells the conformance kit, `conformance.yaml` once it is parsed. */
import { z } from 'zod';
import { PROVIDERS } from '../protocol-parts.ts';

const command = z.array(z.string()).min(1);
const nic = z.strictObject({
  nicRef: z.string().min(1),
  /** How `seizeFrom` names the router that this NIC belongs to. */
  node: z.string().min(1),
  target: z.record(z.string(), z.string()).default({}),
});
const bare = z.string().regex(/^\d{1,3}(\.\d{1,3}){3}$/);

export const conformancePlan = z.strictObject({
  /** The executor and its arguments. Relative paths start at the folder of the file. */
  executor: command,
  /** Beside PATH, the only environment that it gets; as `Plugin.spec.env`. */
  env: z.record(z.string(), z.string()).default({}),
  provider: z.enum(PROVIDERS),
  nic,
  otherNic: nic,
  /** Three addresses that no NIC has and both may get. */
  addresses: z.tuple([bare, bare, bare]),
  /** An address that the provider never gives: another machine's own, or one outside the subnet. */
  impossibleAddress: bare,
  /** The provider can keep the epoch with the address, so an older request has to be refused. */
  storesEpoch: z.boolean().default(false),
  /** Whether forwarding can be switched while the machine runs. */
  switchesForwarding: z.boolean().default(true),
  /** Texts that no output may contain, whatever happens. */
  secrets: z.array(z.string().min(8)).default([]),
  /** For one request. */
  timeoutSeconds: z.number().positive().default(30),
  hooks: z.strictObject({
    /** Both NICs without secondaries and forwarding, no faults. */
    reset: command,
    /** Prints a {@link cloudState} as JSON. */
    state: command,
    /** Gets a {@link CLOUD_FAULTS} as its last argument, which the next mutating call meets. Without it the checks that need it are untested. */
    fault: command.optional(),
  }),
});
export type ConformancePlan = z.output<typeof conformancePlan>;

/** The test cloud as it is, not as the executor tells. */
export const cloudState = z.strictObject({
  /** By `nicRef`. Bare secondary addresses. */
  nics: z.record(z.string(), z.strictObject({ addresses: z.array(bare), forwarding: z.boolean() })),
  /** Mutating calls that arrived since the cloud began, whatever came of them. */
  mutations: z.number().int().min(0),
});
export type CloudState = z.output<typeof cloudState>;

/**
 * `throttle`: refused, too many requests. `server-error`: a 5xx, nothing done. `lost-reply`: done, and the connection reset.
 * `hang`: nothing done, nothing answered. `slow`: done and answered after two seconds.
 */
export const CLOUD_FAULTS = ['throttle', 'server-error', 'lost-reply', 'hang', 'slow'] as const;
export type CloudFault = (typeof CLOUD_FAULTS)[number];

/** The test cloud behind the executor. Every method rejects with what went wrong. */
export interface TestCloud {
  reset(): Promise<void>;
  state(): Promise<CloudState>;
  /** Undefined for a cloud that cannot be made to fail. */
  readonly inject: ((fault: CloudFault) => Promise<void>) | undefined;
}
