/**
 * What lets style elements work under the page's policy: the nonce that the server gave this page, and a rule for the text that
 * goes into them. The policy refuses every text that could become an element; styles have none.
 */
interface TrustedTypes {
  createPolicy(name: string, rules: { createHTML(text: string): string }): unknown;
}

export const nonce = document.querySelector('meta[name=csp-nonce]')?.getAttribute('content') ?? '';
(globalThis as { __webpack_nonce__?: string }).__webpack_nonce__ = nonce;

const { trustedTypes } = globalThis as { trustedTypes?: TrustedTypes };
trustedTypes?.createPolicy('default', {
  createHTML(text) {
    if (text.includes('<')) throw new TypeError('only styles may be written as text');
    return text;
  },
});
