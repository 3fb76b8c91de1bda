// The nonce of this page's Content-Security-Policy, for style elements that libraries add.
export const nonce = () => document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]')?.nonce ?? '';
