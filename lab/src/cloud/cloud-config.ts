/** What one emulated cloud is told when it starts, as a JSON file. The harness writes it; `lab/src/cloud/main.ts` reads it. */
import { z } from 'zod';

const instance = z.strictObject({
  /** Host name in the lab, `aws-router-a`. */
  name: z.string(),
  /** The vendor's id of the machine: `i-…`, a VM's ARM id, an instance OCID, `projects/…/zones/…/instances/…`. */
  instanceId: z.string(),
  /** Instance type or shape; decides how many addresses a NIC may have. */
  type: z.string(),
  /** The vendor's id of the NIC: `eni-…`, a NIC's ARM id, a VNIC OCID, an instance's id with `/networkInterfaces/nic0`. */
  nicId: z.string(),
  /** The fabric's end of the veth pair, `e-aws-router-a`-like, at most 15 characters. The guest's end is `eth0`. */
  device: z.string().max(15),
  /** MAC of the guest's end. */
  mac: z.string(),
  privateIp: z.string(),
  /** Mapped 1:1 to `privateIp` on the WAN side. */
  publicIp: z.string().optional(),
  /** `router`: an identity that may read its subnet and change its own group's NICs; `none`: no identity at all. */
  permissions: z.enum(['router', 'none']),
});

export const cloudConfig = z.strictObject({
  cloud: z.enum(['aws', 'azure', 'oci', 'gcp']),
  region: z.string(),
  /** Account id, subscription id, tenancy OCID, or project id. */
  account: z.string(),
  /** Azure: resource group; OCI: compartment OCID; AWS: VPC id; GCP: name of the network. */
  scope: z.string(),
  subnet: z.strictObject({ id: z.string(), cidr: z.string(), gateway: z.string() }),
  /** Where the vendor's API host names resolve to in this cloud's guests; put on the fabric's `lo`. HTTPS on 443. */
  apiAddress: z.string(),
  tls: z.strictObject({ certFile: z.string(), keyFile: z.string() }),
  /** OCI: folder with the CA that signs instance certificates (`ca.pem`, `ca-key.pem`). */
  identityCaDir: z.string().optional(),
  /** Unix socket for the lab's own control API (journal, state, faults); never reachable by guests. */
  controlSocket: z.string(),
  /** How long a mutating call takes, milliseconds; for Azure the whole operation. */
  mutationDelayMs: z.number().min(0),
  /** How long after the API said so packets follow, milliseconds. */
  fabricDelayMs: z.number().min(0),
  instances: z.array(instance),
});

export type CloudConfig = z.output<typeof cloudConfig>;
export type CloudInstance = z.output<typeof instance>;
