/** How a request names a NIC: `projects/<project>/zones/<zone>/instances/<instance>/networkInterfaces/nic0`. Pure. */

export interface NicName {
  readonly project: string;
  /** `projects/…/zones/…`. */
  readonly zone: string;
  /** `projects/…/zones/…/instances/…`. */
  readonly instance: string;
  /** `nic0`. */
  readonly nic: string;
}

const NIC_NAME = /^(((projects\/[^/?#]+)\/zones\/[^/?#]+)\/instances\/[^/?#]+)\/networkInterfaces\/(nic\d+)$/;

/** @returns undefined for what is no such name */
export function parseNicName(text: string): NicName | undefined {
  const [, instance, zone, project, nic] = NIC_NAME.exec(text) ?? [];
  return instance === undefined || zone === undefined || project === undefined || nic === undefined
    ? undefined
    : { project, zone, instance, nic };
}

export function nicNameText({ instance, nic }: Pick<NicName, 'instance' | 'nic'>): string {
  return `${instance}/networkInterfaces/${nic}`;
}

/** The name of a resource out of the URL that the API gives for it, whatever its host and version. */
export function resourceNameOf(link: string): string {
  const start = link.indexOf('projects/');
  return start === -1 ? link : link.slice(start);
}
