/**
 * Providers whose NIC is one document with a list of addresses in it: read whole, written whole under a condition (an ETag, a fingerprint),
 * and where an address is moved by two writes. What such an executor does is the same; how it reads, plans and writes is this port.
 */
import type { ExecutorError } from '../executor-error.ts';
import type { AddressResult, NicState, RequestedAddress } from '../executor-plugin.ts';

export interface NicPlan<Edit> {
  /** Known without any write. */
  readonly results: readonly AddressResult[];
  readonly edit: Edit;
}

export interface WriteFault {
  readonly error: ExecutorError;
  /** The condition did not hold: somebody else has written, and reading again tells what. */
  readonly isLostRace: boolean;
  /** The provider said that it failed; otherwise nothing was heard of it. */
  readonly isAnswered?: boolean;
  /** What the provider's words name: the address that cannot be had, bare, and the NIC that has it. */
  readonly names?: { readonly address?: string | undefined; readonly nicId?: string | undefined };
}

/** Plans are pure: they are asked again after every read, and are empty when there is nothing left to do. */
export interface WholeNicCloud<Nic extends { readonly id: string }, Edit> {
  /** @throws ExecutorError, never `unknown-outcome` */
  read(id: string): Promise<Nic>;
  /** Under the condition of that reading, sent once; resolves when the provider has ended it. @param what completes "… failed" */
  write(nic: Nic, edit: Edit, what: string): Promise<WriteFault | undefined>;
  /** Reads after a write whose outcome is not known, until it shows or may be taken for undone. */
  readSettled(id: string, fault: WriteFault, isDone: (nic: Nic) => boolean): Promise<Nic>;
  /** Other NICs that really have one of the addresses now. @param namedNics by the provider in earlier refusals */
  readHolders(
    own: Nic,
    requested: readonly RequestedAddress[],
    namedNics: ReadonlySet<string>,
  ): Promise<readonly Nic[]>;
  isEmpty(edit: Edit): boolean;
  stateOf(nic: Nic): NicState;
  planAssign(nic: Nic, requested: readonly RequestedAddress[]): NicPlan<Edit>;
  planUnassign(nic: Nic, requested: readonly RequestedAddress[]): NicPlan<Edit>;
  /** Never a primary, never without `seizeFrom`. @param nicOf the NIC of a node, as the request names it: from that one alone */
  planSeizure(
    holder: Nic,
    requested: readonly RequestedAddress[],
    nicOf: (node: string) => string | undefined,
  ): NicPlan<Edit>;
  /** Puts addresses back as they were. @param before the holder as it was read before they were taken @param bare addresses */
  planReturn(nic: Nic, before: Nic, bare: readonly string[]): Edit;
  /** How long an address that was released may still count as taken. Milliseconds. */
  readonly placeLimitMs: number;
}
