"""Access to the emulated service: find the account of a request, and check its request rate.

The way of a request through access:

- `request` holds the request as received, because the signature covers its exact bytes.
- `checks` runs all checks of a request, in this order: method, path and version; headers;
  date; AccessKey; token; nonce; signature; checksums; request rate.
- `operations` has the paths and names of the operations, and how often each may be called.
- `schemes` reads and computes the signature: HMAC-SHA1, or ACS3-HMAC-SHA256 with `acs3`.
- `accounts` finds the account of an AccessKey, and reads accounts from a file.
- `account` has the keys, used nonces, state and limits of one account.
- `rate_window` counts requests and images per second.
- `refusal` has the result of a failed check.

Two more checks belong to the service behind the gateway: the state of the account, and the image
quota of the account. The endpoint makes these two checks after the checks above.
"""
