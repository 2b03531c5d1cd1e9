import { expect, test } from 'vitest';
import { networkOf } from './crowd.ts';

test.each([
  ['192.0.2.7', '192.0.2.7'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
  ['2001:db8:1:2::9', '2001:db8:1:2'],
  ['2001:db8::9', '2001:db8:0:0'],
  ['fe80::1%eth0', 'fe80:0:0:0'],
  ['::1', '0:0:0:0'],
])('the client at %s is known as %s: of IPv6, its whole network', (address, client) => {
  expect(networkOf(address)).toBe(client);
});
