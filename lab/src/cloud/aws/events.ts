/** What EventBridge puts into a queue about machines and addresses (EventBridge user guide: events of EC2, events by CloudTrail). Pure. */
import { createHash } from 'node:crypto';
import type { ControlPlane } from '../control-plane.ts';
import type { News } from '../news.ts';

export function eventOf({ config, clock }: ControlPlane): (news: News) => string {
  return (news) => {
    const time = new Date(clock.now()).toISOString().replace(/\.\d+Z$/, 'Z');
    const envelope = {
      version: '0',
      id: createHash('sha256')
        .update(`${time} ${JSON.stringify(news)}`)
        .digest('hex')
        .slice(0, 32),
      account: config.account,
      time,
      region: config.region,
    };
    return JSON.stringify({ ...envelope, source: 'aws.ec2', ...contentOf(news, config.region, time) });
  };
}

function contentOf(news: News, awsRegion: string, eventTime: string): Readonly<Record<string, unknown>> {
  if (news.kind === 'machine') {
    const { instanceId, state } = news;
    const detail = { 'instance-id': instanceId, state };
    return { 'detail-type': 'EC2 Instance State-change Notification', resources: [instanceId], detail };
  }
  const { kind, nicId, addresses } = news;
  const eventName = kind === 'assigned' ? 'AssignPrivateIpAddresses' : 'UnassignPrivateIpAddresses';
  const items = addresses.map((privateIpAddress) => ({ privateIpAddress }));
  const requestParameters = { networkInterfaceId: nicId, privateIpAddressesSet: { items } };
  return {
    'detail-type': 'AWS API Call via CloudTrail',
    resources: [],
    detail: {
      eventVersion: '1.10',
      eventTime,
      eventSource: 'ec2.amazonaws.com',
      eventName,
      awsRegion,
      requestParameters,
      responseElements: { _return: true },
      readOnly: false,
      eventType: 'AwsApiCall',
      managementEvent: true,
    },
  };
}
