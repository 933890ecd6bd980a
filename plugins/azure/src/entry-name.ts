/** Names of the ipConfigurations that we make: they carry the capture's epoch, so that the NIC's ETag guards it too. Pure. */

/** Azure Resource Manager, naming rules: Microsoft.Network/networkInterfaces/ipConfigurations, 1 to 80 characters. */
const NAME_CHARACTERS_MAX = 80;

/** `sam-<pool>-10-77-60-10-e7`; a pool name that does not fit is cut, since the address identifies the entry. */
export function entryName(captureKey: string, bare: string, epoch: number): string {
  const pool = captureKey.split('|')[0] ?? '';
  const tail = `-${bare.replaceAll('.', '-')}-e${epoch}`;
  return `sam-${pool.replaceAll(/[^A-Za-z0-9_-]/g, '-').slice(0, NAME_CHARACTERS_MAX - 4 - tail.length)}${tail}`;
}

/** @returns undefined for an entry that we did not name */
export function epochOfEntry(name: string): number | undefined {
  const epoch = /^sam-.*-e(\d+)$/.exec(name)?.[1];
  return epoch === undefined ? undefined : Number(epoch);
}
