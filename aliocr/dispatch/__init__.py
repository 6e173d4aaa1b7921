"""Dispatch: decides when an image is sent, with which other images, and whether it is sent again.

The way of an image:

    `source`           gives the images of any iterable, without blocking the event loop
    `stream`           takes many images; reads the source no faster than its outcomes are used
    `scan_receiver`    is the caller of one scan
    `outcome_stream`   is the iterator that a caller of a stream holds
    `batcher`          takes each image in, and sends batches; the rules are at the top of its file
    `pending`          keeps the images that are not done
    `pending_image`    has the state of one of them, and the callers that wait for it
    `queue`            holds the waiting images in two lanes; its chunker takes the next batch
    `registry`         finds the throttle of the account, which all its sessions on the loop share
    `throttle`         gives the account's permit to send: pause, image quota, then request rate
    `rates`            says how many requests and images may be sent, and learns it from refusals
    `health`           tells an outage, in which only probes are sent
    `settling`         delivers the reply part by part, and handles the images that failed
    `retry`            decides from one table what happens to a failed image

`batcher` passes each batch to a sender; the sender is in `aliocr.protocol`.
"""
