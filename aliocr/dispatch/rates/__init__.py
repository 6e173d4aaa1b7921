"""Rates: how many requests and images an account may send, as known or as learnt from refusals.

The way of a refusal:

    `limiter`          says when one request may be sent
    `request_rate`     learns how near to the request limit the rate may come
    `image_quota`      says how many images may be sent now
    `image_rate`       learns the image quota from refusals
    `chance_refusals`  estimates the part of refusals that a lower rate does not avoid
    `sent_record`      remembers what was sent in the last seconds, for both rates
    `account_pause`    says how long nothing is sent after refusals in a row

All but `limiter` are pure. `dispatch.throttle` puts them together for one account.
"""
