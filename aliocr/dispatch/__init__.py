"""Dispatch: decides when an image is sent, with which other images, and whether it is sent again.

The way of an image:

    `stream`           takes many images; reads the source no faster than its outcomes are used
    `batcher`          takes each image in, and sends batches; the rules are at the top of its file
    `pending`          keeps the state of the image, and the callers that wait for it
    `queue`            holds the waiting images in two lanes; its chunker takes the next batch
    `throttle`         gives the account's permit to send: pause, image quota, then request rate
    `image_quota`      says how many images may be sent now
    `limiter`          says when one request may be sent
    `account_pause`    says how long nothing is sent after refusals in a row
    `request_rate`     learns how near to the request limit the rate may come
    `image_rate`       learns the image quota from refusals
    `chance_refusals`  estimates the part of refusals that a lower rate does not avoid
    `sent_record`      remembers what was sent in the last seconds, for both rates
    `settling`         delivers the reply part by part, and handles the images that failed
    `retry`            decides from one table what happens to a failed image

`batcher` passes each batch to a sender; the sender is in `aliocr.protocol`.
"""
