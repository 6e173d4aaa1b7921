"""Dispatch: when an image goes, with which others, and whether again.

The way of an image:

    `stream`         many images: the source is read no faster than its outcomes are used
    `batcher`        takes each image in, and sends batches; the rules are at its top
    `pending`        the image's state, and the callers that wait for it
    `queue`          where it waits, in two lanes; the chunker takes the next batch
    `throttle`       the account's permit to send: pause, then image quota, then request rate
    `image_quota`    how many images may be sent now
    `limiter`        when one request may be sent
    `adaptive_rate`  how both limits are learnt from refusals
    `settling`       gives out the reply part by part, and settles what failed
    `retry`          decides what becomes of a failed image, from one table

`batcher` hands a batch to a sender, which is `aliocr.protocol`.
"""
