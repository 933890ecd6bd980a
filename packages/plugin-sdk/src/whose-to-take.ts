/** Whether an address may be taken from the NIC that has it. Pure. */

/**
 * A request names the node that it takes from (`seizeFrom`), and in `target` the NIC of that node (`nicOf.<node>`). Both have to be there, and the
 * NIC has to be the one that has the address: whoever else has it, a client's machine for one, is nobody to take from.
 * @param nicOf the NIC of a node as the request names it
 * @returns why it is not taken, as the rest of a sentence that begins with the address; undefined when it may be
 */
export function whyNotTaken(
  holderNic: string,
  seizeFrom: string | undefined,
  nicOf: (node: string) => string | undefined,
): string | undefined {
  if (seizeFrom === undefined) return `is held by ${holderNic}`;
  const expected = nicOf(seizeFrom);
  if (expected === undefined) {
    return `is held by ${holderNic}; the request does not say which NIC is that of ${seizeFrom} (target.nicOf.${seizeFrom})`;
  }
  // Azure's ids differ in case from one answer to the next; of no provider do two NICs differ in case alone.
  const isThat = expected.toLowerCase() === holderNic.toLowerCase();
  return isThat ? undefined : `is held by ${holderNic}, not by ${seizeFrom} (${expected})`;
}
