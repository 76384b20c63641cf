/** The door to every connection that this server makes to an address somebody entered. */
export { addressRefusal, type OutboundPolicy, outboundPolicy, publicOnly } from './outbound-policy.ts';
export {
  type Outbound,
  type ResolvedAddress,
  type Resolver,
  systemResolver,
  vettedHost,
} from './vetted-host.ts';
export { type OutboundAnswer, type OutboundRequest, vettedRequest, webAddress } from './vetted-request.ts';
export { fixedLookup, type VettedAgents, vettedAgents, vettedDial, vettedSocket } from './vetted-socket.ts';
