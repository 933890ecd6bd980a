/** How many private IPv4 addresses a NIC may have, its primary included. */
import type { CloudConfig } from './cloud-config.ts';

export interface NicLimit {
  readonly addressesPerNic: number;
  readonly nics: number;
}

/** Network interfaces × addresses for each, by instance type: EC2 User Guide, "Maximum IP addresses per network interface". */
export const AWS_NIC_LIMITS: Readonly<Record<string, NicLimit>> = Object.fromEntries(
  [
    { types: ['t3.nano', 't3.micro', 't4g.nano', 't4g.micro', 't2.micro'], nics: 2, addressesPerNic: 2 },
    { types: ['t3.small', 't4g.small', 't2.small'], nics: 3, addressesPerNic: 4 },
    { types: ['t3.medium', 't4g.medium', 't2.medium'], nics: 3, addressesPerNic: 6 },
    { types: ['t3.large', 't4g.large'], nics: 3, addressesPerNic: 12 },
    { types: ['c6gn.medium', 'c7gn.medium', 'c8g.medium'], nics: 2, addressesPerNic: 4 },
    { types: ['c6gn.large', 'c7gn.large', 'c8g.large'], nics: 3, addressesPerNic: 10 },
    { types: ['m5.large', 'm6i.large', 'm7i.large', 'c5.large'], nics: 3, addressesPerNic: 10 },
    { types: ['c5n.large', 'c6i.large', 'c7i.large'], nics: 3, addressesPerNic: 10 },
    { types: ['c5.xlarge', 'c5n.xlarge', 'm5.xlarge', 'c6i.xlarge', 't3.xlarge'], nics: 4, addressesPerNic: 15 },
    { types: ['m5.4xlarge', 'c6i.4xlarge'], nics: 8, addressesPerNic: 30 },
    { types: ['m5.24xlarge'], nics: 15, addressesPerNic: 50 },
  ].flatMap(({ types, nics, addressesPerNic }) => types.map((type) => [type, { nics, addressesPerNic }])),
);

/** Azure: 256 for each NIC, whatever the size (Azure subscription and service limits, networking). */
const AZURE_ADDRESSES_PER_NIC = 256;
/** OCI: 64 secondary ones for each VNIC, whatever the shape (Networking, "Private IP addresses"). */
const OCI_SECONDARY_ADDRESSES_PER_VNIC = 64;
/** GCP: 150 alias ranges for each NIC, whatever the machine type (VPC quotas and limits). */
const GCP_ALIAS_RANGES_PER_NIC = 150;

/** @returns `undefined` for an AWS instance type that is not in the table */
export function addressesPerNic(cloud: CloudConfig['cloud'], type: string): number | undefined {
  switch (cloud) {
    case 'aws':
      return AWS_NIC_LIMITS[type]?.addressesPerNic;
    case 'azure':
      return AZURE_ADDRESSES_PER_NIC;
    case 'oci':
      return 1 + OCI_SECONDARY_ADDRESSES_PER_VNIC;
    case 'gcp':
      return 1 + GCP_ALIAS_RANGES_PER_NIC;
  }
}

/** Addresses that a subnet keeps for itself: that many first ones, and that many last. */
export const RESERVED_AT_START: Readonly<Record<CloudConfig['cloud'], number>> = { aws: 4, azure: 4, oci: 2, gcp: 2 };
export const RESERVED_AT_END: Readonly<Record<CloudConfig['cloud'], number>> = { aws: 1, azure: 1, oci: 1, gcp: 2 };
