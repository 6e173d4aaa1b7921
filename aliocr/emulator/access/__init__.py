"""Access to the emulated service: which account sent a request, and whether it is within limits.

The way of a request through access:

- `request` holds the request as received, because the signature covers its exact bytes.
- `checks` runs all checks of a request, in this order: method, path and version; headers;
  date; AccessKey; token; nonce; signature; checksums; last the request rate.
- `schemes` reads the signature by its algorithm: HMAC-SHA1, or ACS3-HMAC-SHA256 by `acs3`.
- `accounts` finds the account of an AccessKey; the accounts may come from a file.
- `account` has the keys, nonces, state and image quota of one account.
- `rate_window` counts requests and images per second.
- `refusal` is the result of a failed check.

The state of an account and its image quota belong to the service behind the gateway, which the
endpoint asks after these checks.
"""
