/** What a rule of the Events service puts into a stream about instances and private IPs ("Services that Produce Events"). Pure. */
import { createHash } from 'node:crypto';
import type { ControlPlane } from '../control-plane.ts';
import type { News } from '../news.ts';

const MACHINE_EVENTS = {
  running: 'instanceaction.end',
  stopped: 'instanceaction.end',
  terminated: 'terminateinstance.end',
} as const;
const ADDRESS_EVENTS = { assigned: 'createprivateip', unassigned: 'deleteprivateip' } as const;

export function cloudEventOf({ config, clock }: ControlPlane): (news: News) => string {
  return (news) => {
    const isMachine = news.kind === 'machine';
    const source = isMachine ? 'computeApi' : 'virtualNetwork';
    const type = news.kind === 'machine' ? MACHINE_EVENTS[news.state] : ADDRESS_EVENTS[news.kind];
    const eventTime = new Date(clock.now()).toISOString();
    return JSON.stringify({
      eventType: `com.oraclecloud.${source.toLowerCase()}.${type}`,
      cloudEventsVersion: '0.1',
      eventTypeVersion: '2.0',
      source,
      eventTime,
      contentType: 'application/json',
      data: {
        compartmentId: config.scope,
        compartmentName: 'cloudedge-lab',
        resourceName: news.name,
        resourceId: isMachine ? news.instanceId : news.nicId,
        additionalDetails: {},
      },
      eventID: createHash('sha256')
        .update(`${eventTime} ${JSON.stringify(news)}`)
        .digest('hex')
        .slice(0, 32),
      extensions: { compartmentId: config.scope },
    });
  };
}
