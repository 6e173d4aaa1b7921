"""The table of the service's rules, with the test that shows how the emulator keeps each rule.

The table is text, because people read it here, in the docstring of `aliocr.emulator` and on the
landing page. `tests/emulator/test_rules.py` checks the table.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import attrs

Kept: TypeAlias = Literal["yes", "partly", "no"]
_KEPT: dict[str, Kept] = {"yes": "yes", "partly": "partly", "no": "no"}

TABLE = """\
gateway
yes     a method other than POST: 400 UnsupportedHTTPMethod (Request structure)
        test_refusal.py::test_another_address_is_refused
yes     a path other than the documented path: 404 InvalidApi.NotFound (Request structure)
        This includes the paths of other operations; see "elsewhere".
        test_refusal.py::test_another_address_is_refused
yes     an x-acs-version other than 2018-05-09: 400 InvalidAction.NotFound (Common parameters)
        test_refusal.py::test_a_refusal_has_the_documented_status_and_code
yes     an x-acs-action other than that of the path: 400 InvalidAction.NotFound (SDK)
        ImageSyncScan for scans. With HMAC-SHA1 the header may be missing.
        test_refusal.py::test_a_refusal_has_the_documented_status_and_code
yes     a mandatory header that is missing: 400 Missing… (Common parameters)
        With HMAC-SHA1 the nonce may be missing, and with both signatures Content-MD5, because the
        vendor's SDKs leave these headers out. Accept must be present.
        test_refusal.py::test_the_older_signature_needs_its_headers
yes     any Content-Type, query or x-acs-… header is accepted if it is signed (SDK)
        test_checks.py::test_headers_of_the_clients_own_pass_if_they_are_signed
yes     a Date that is not in the GMT form: 400 InvalidTimeStamp.Format (Common parameters)
        test_refusal.py::test_the_older_signature_needs_its_headers
yes     a Date more than 15 minutes wrong: 400 InvalidTimeStamp.Expired (ROA mechanism)
        test_checks.py::test_a_clock_wrong_by_15_minutes_passes
yes     an unknown AccessKey: 404 InvalidAccessKeyId.NotFound (Public errors)
        test_checks.py::test_a_key_of_nobodys_is_refused
yes     an inactive AccessKey: 400 InvalidAccessKeyId.Inactive (Public errors)
        test_checks.py::test_a_key_that_is_made_inactive_is_refused
yes     a wrong token of a temporary key: 400 InvalidSecurityToken (Public errors)
        InvalidSecurityToken.Expired, .Malformed or .MismatchWithAccessKey. Without a token:
        MissingSecurityToken.
        test_checks.py::test_the_token_of_another_issue_is_refused
yes     an x-acs-accesskey-id that differs from the key of the signature is refused (SDK)
        With 400 InvalidParameter.Format; the documents name no code for this case.
        test_refusal.py::test_a_refusal_has_the_documented_status_and_code
yes     a nonce used again within 15 minutes: 400 SignatureNonceUsed (Public errors)
        test_checks.py::test_a_request_sent_twice_is_refused_the_second_time
yes     a wrong HMAC-SHA1 signature: 400 SignatureDoesNotMatch (Signature method)
        The message contains the server's string to sign.
        test_checks.py::test_a_wrong_secret_is_answered_with_the_string_that_was_signed
yes     an Authorization header in an unknown form: 400 IncompleteSignature (Public errors)
        test_refusal.py::test_an_authorization_of_another_form_is_incomplete
yes     the signature ACS3-HMAC-SHA256 is accepted (Signature V3)
        The vendor's newer SDK uses this signature for this product by default.
        test_acs3.py::test_the_signature_is_the_vendors
no      the signature HMAC-SM3 is accepted (Signature method)
        Refused with 400 InvalidSignatureMethod, because the documents contradict each other about
        the string to sign.
        test_refusal.py::test_the_older_signature_needs_its_headers
yes     a Content-MD5 that does not match the body is refused (Common parameters)
        With 400 ContentMD5NotMatched; the documents of this product do not name this code.
        test_checks.py::test_a_body_changed_on_the_way_is_noticed
yes     the checks have a fixed order (Public errors)
        The documents do not give the order. Here: method, path, headers, Date, AccessKey, nonce,
        signature, body, rate limit.
        test_checks.py::test_the_first_thing_wrong_is_what_is_said
yes     more than 10 requests per second and account: 400 Throttling.User (QPS limits)
        Each operation counts by itself, unless separate_limits is False. Requests are counted by a
        sliding log, a fixed second or a token bucket, as you choose.
        test_checks.py::test_the_eleventh_request_of_a_second_is_throttled
yes     a parameter that is not in the documented form: 400 InvalidParameter.Format (Public errors)
        A query that has two possible meanings is refused.
        test_refusal.py::test_a_query_that_could_be_read_in_two_ways_is_refused
partly  failures, policies and maintenance of the gateway (Public errors)
        Only by script: InternalError, ServiceUnavailable, Forbidden, Forbidden.RAM,
        InvalidProduct.NotFound, InvalidProtocol.NeedSsl, Throttling, Throttling.Api.
        test_script.py::test_the_gateway_can_refuse
yes     a refusal has Code, Message, RequestId, HostId, Recommend (Public errors)
        test_emulator.py::test_the_gateway_refuses_in_its_own_shape
partly  the reply is XML if the client does not accept JSON (ROA mechanism)
        The documents do not show the names of the elements; here they are the names in JSON.
        test_xml.py::test_an_answer_comes_in_xml
no      the service accepts HTTPS and HTTP (Request structure)
        The emulator serves only HTTP, on a port of this machine.
no      the address of the endpoint selects the region (Endpoints)
        The emulator answers for every region.

envelope
yes     a body that is not as documented: code 400 (Request parameters)
        test_emulator.py::test_a_body_that_is_not_as_documented_is_refused_in_the_envelope
yes     a request has 1 to 100 images (tasks)
        test_emulator.py::test_a_body_that_is_not_as_documented_is_refused_in_the_envelope
yes     dataId is unique within the request (dataId)
        test_emulator.py::test_a_body_that_is_not_as_documented_is_refused_in_the_envelope
yes     scenes is ["ocr"] (scenes)
        The API's other scenes are refused.
        test_emulator.py::test_a_body_that_is_not_as_documented_is_refused_in_the_envelope
yes     an account without permission: code 596 (Common error codes)
        The account is not opened, unauthorized, overdue or banned.
        test_accounts.py::test_an_account_that_may_not_use_the_service_is_told_why
no      bizType applies a policy of the console (bizType)
        The value is recorded without effect: an image with text always gets "review".
        test_emulator.py::test_the_policy_a_request_names_is_recorded
no      clientInfo describes the end user (clientInfo)
        The signature must cover clientInfo; the content is ignored.
        test_checks.py::test_any_query_passes_that_is_signed
no      extras selects the advanced model or card OCR (OCR, China site)
        Fields that the international site does not document are ignored.
yes     images above the quota per second: 588 (Common error codes)
        The documents do not say if the request or the image gets 588; here the image gets 588. No
        limit by default; --new-account, or NEW_ACCOUNT in Python, sets the 10 images per second of
        a new account.
        test_emulator.py::test_images_over_the_quota_are_refused_one_by_one
yes     images above the quota of images in flight: 588 (Concurrency)
        No limit by default; --new-account, or NEW_ACCOUNT in Python, sets the 50 images of a new
        account.
        test_accounts.py::test_two_accounts_have_each_its_own_image_quota
partly  codes 408 and 411 (Public errors)
        Only by script: the documents do not say when the service returns these codes, and have no
        message for 411.
        test_script.py::test_a_failure_is_in_the_documented_words
yes     codes 500, 503, 580, 585, 587, 591: failures of the service (Common error codes)
        Only by script, or at random by chaos.
        test_script.py::test_the_service_can_refuse

image
yes     a url that is not http or https, or is above 2,048 characters: 400 (url)
        test_emulator.py::test_an_image_that_is_not_as_documented_harms_no_other
yes     a dataId above 256 characters: 400 (Common error codes)
        The server's own message states this limit; the page of the parameter does not.
        test_emulator.py::test_a_data_id_that_is_too_long_is_refused_in_the_services_words
partly  an unsafe URL, or a redirect to an unsafe URL: 401 (Common error codes)
        Unsafe are link-local and metadata addresses and schemes other than http and https. Private
        addresses are unsafe only if you choose this.
        test_addresses.py::test_an_unsafe_address_is_not_allowed
yes     an image that is not accessible: 403 (Common error codes)
        The image's host answers 401 or 403.
        test_download.py::test_a_hosts_refusal_is_told_by_its_code
yes     an image that does not exist: 404 (Common error codes)
        test_download.py::test_a_hosts_refusal_is_told_by_its_code
yes     a download that fails: 480 (Common error codes)
        test_hosts.py::test_an_answer_that_ends_too_early_is_a_failed_download
yes     a limited number of redirects is followed (Common error codes)
        Here five; the documents do not say how many the service follows.
        test_download.py::test_redirections_are_followed_within_bounds
yes     a download that takes more than 3 s: 592 (Image download timeout)
        test_download.py::test_a_slow_host_is_given_up
yes     an image above 20 MB: 589 (Image requirements)
        test_images.py::test_20_megabytes_are_read_and_one_byte_more_is_589
yes     a format other than PNG, JPG, JPEG, BMP, GIF, WEBP: 590 (Image requirements)
        The content decides, not the name or the Content-Type. A damaged file also gets 590, but
        a JPEG may lack its end mark and its last lines of pixels, at most 5 %.
        test_images.py::test_any_other_format_is_590
yes     a side above 30,000 pixels: 480 (OCR, China site)
        test_size_limits.py::test_a_side_may_have_30000_pixels
partly  a picture above 250 million pixels: 480 (OCR, China site)
        So much only as a JPEG of one scan. Here the limits are 100 million pixels for another JPEG,
        80 million in grey or with a palette, 40 million in colour, 200 million for all frames of a
        GIF that must be decoded, and 4,194,304 for a run-length encoded BMP. Also refused: a JPEG
        of over 100 scans, and a file that needs over 2 million reads.
        test_size_limits.py::test_what_cannot_be_decoded_smaller_may_have_40_or_80_million_pixels
yes     a GIF above 4,194,304 pixels: 480 GIF_TOO_MUCH_PIXELS (OCR, China site)
        test_size_limits.py::test_a_gif_may_have_4194304_pixels
yes     at least 256 × 256 pixels are recommended (Image requirements)
        A smaller picture is read too.
        test_images.py::test_a_small_picture_is_read
yes     a failure of the OCR algorithm: 586 (Common error codes)
        test_images.py::test_an_engine_that_fails_is_586_for_its_picture_only
yes     the reply comes within 6 s; images not done by then: 581 (Response timeout)
        test_recognition.py::test_at_the_deadline_what_is_done_is_answered
partly  oss:// URLs and uploaded files are read (SDK)
        Objects that the account has uploaded to the emulator; an object that is not there gets 404.
        Any other path gets 403, because the emulator cannot be given access to it.
        test_put_object.py::test_an_object_is_stored_and_scanned

frames
yes     only the first frame is read without interval and maxFrames (GIFs and long images)
        test_images.py::test_only_the_first_frame_is_read_unless_asked
yes     interval and maxFrames must be used together (tasks)
        An image with only one of them: 400.
        test_emulator.py::test_an_image_that_is_not_as_documented_harms_no_other
yes     a long image has a side above 400 pixels and 2.5 times the other (GIFs and long images)
        test_frames.py::test_a_long_image_has_as_many_frames_as_its_rounded_ratio
yes     its number of frames is the ratio of the sides, rounded (GIFs and long images)
        A half is rounded up.
        test_frames.py::test_the_number_of_strips_is_the_ratio_rounded_half_up
yes     one frame of every interval is read, at most maxFrames (GIFs and long images)
        Counted from the first frame. More than 10,000 frames of one picture: 480.
        test_frames.py::test_one_of_every_interval_is_read_up_to_max_frames
yes     the interval grows to ceil(total ÷ maxFrames) if necessary (GIFs and long images)
        test_frames.py::test_chosen_frames_reach_over_the_whole_picture
no      frames that cannot be captured: 595 (Common error codes)
        The frames before the damage of a GIF are read. A GIF without such a frame gets 590.
        test_picture.py::test_a_damaged_gif_gives_the_frames_before_the_damage

result
yes     an answer has code, msg, dataId, taskId, url, extras, results (Response parameters)
        test_emulator.py::test_a_good_request_gets_the_documented_reply
yes     without text: normal, pass, and neither ocrData nor ocrLocations (result)
        test_script.py::test_an_image_without_text_passes
yes     with text: ocr, review (result)
        test_script.py::test_an_image_says_what_it_was_told_to
yes     positions are in pixels from the upper left corner (ocrLocation)
        The corner is the corner of the whole picture, also for frames of long images.
        test_images.py::test_positions_in_a_long_image_count_from_the_whole
yes     frames lists the captured frames if there are several (frames)
        The documents do not show the frames of OCR. Here a frame has rate, ocrData, ocrLocations
        and url, an address that is valid for 5 minutes. --frame-fields, or frame_fields in Python,
        chooses fields: the frames of other scenes have only rate and url.
        test_images.py::test_frames_are_left_out_when_one_was_captured
yes     size and turn of a picture are not in a result (result)
        They are not, unless --whole-pictures is given, or whole_pictures in Python. A result then
        has width, height and turn, and a long picture is read uncut.
        test_whole.py::test_only_an_emulator_of_whole_pictures_says_size_and_turn
yes     answers may have any order, and dataId identifies the image (Response parameters)
        By default the order is the order of the request.
        test_script.py::test_answers_can_come_in_another_order
yes     every image and frame that is read is charged (Billing)
        The recorded calls show the number. Nothing is documented about failed images; here they are
        free.
        test_control.py::test_calls_tell_what_arrived_and_what_it_would_have_cost

asynchronous
yes     a submitted image gets an opaque task id, with its data id (Asynchronous detection)
        As real ids, it has @ and $. The URL is echoed too, unless the script says otherwise.
        test_submission.py::test_submitted_images_get_ids
yes     a submission is otherwise as a request to scan: code 400 (Asynchronous detection)
        test_submission.py::test_a_submission_that_is_not_as_documented_is_refused
yes     an image that is not accepted has a code and no task id (Asynchronous detection)
        An invalid image gets 400, one above the quota 588.
        test_submission.py::test_an_image_that_is_not_accepted_has_no_id
yes     submitted images count against the quota until they are read: 588 (Concurrency)
        Together with scans. If no image of a request is within the quota, the request gets 588.
        test_submission.py::test_submitted_images_count_until_they_are_read
no      offline images above the quota are read within 24 hours (offline, older documents)
        The images get 588, but never their request as a whole.
        test_submission.py::test_submitted_images_count_until_they_are_read
yes     each operation has its own rate (Asynchronous detection, "this interface")
        10 requests per second; for results 50, which the documents say only of files and videos.
        test_submission.py::test_each_operation_has_its_own_rate
yes     a submitted image is read without the deadline of 6 s (Asynchronous detection)
        At most 10,000 images wait at the same time; others get 588.
        test_results.py::test_an_unfinished_image_is_280
yes     results are asked for by an array of 1 to 100 ids: code 400 (Asynchronous detection)
        The documents give the number only for files.
        test_results.py::test_a_body_that_is_no_array_of_ids_is_refused
yes     an unfinished image: 280 (Common error codes)
        test_results.py::test_an_unfinished_image_is_280
yes     a result is kept for 1 hour after the submission: 594 (Asynchronous detection)
        Also 594, or left out if the script says so: the ids of other accounts, and unknown ids. The
        last 100,000 images are kept.
        test_results.py::test_a_result_is_kept_for_an_hour
yes     a result is pushed to the callback as a form with checksum and content (callback)
        One image in each. The checksum is the plain digest of uid, seed and content.
        test_push.py::test_a_result_is_pushed_with_its_checksum
yes     cryptType is SHA256 or SM3 (cryptType)
        SM3 is refused with code 400 where the emulator's OpenSSL does not have it.
        test_push.py::test_a_result_is_pushed_with_its_checksum
yes     a seed is 1 to 64 letters, digits or _, and needed with a callback: code 400 (seed)
        test_async_wire.py::test_a_request_that_is_not_as_documented_is_refused
yes     a push that is not answered with HTTP 200 is repeated at most 16 times (callback)
        The documents do not say how often. Here 10 s after each answer, or as the script says.
        test_push.py::test_a_push_is_given_up_after_16_repeats

elsewhere
yes     UploadCredentials hands out a temporary key for object storage (SDK)
        Valid for an hour, unless the script says otherwise. The address has a scheme and an IP
        address, so that the vendor's uploader finds the emulator.
        test_credentials.py::test_a_temporary_key_is_handed_out

storage
yes     an object is stored by PUT, with ETag and CRC-64 in the answer (PutObject)
        test_put_object.py::test_an_object_is_stored_and_scanned
yes     signature versions 4 and 1 are accepted (Signature of object storage)
        The region in version 4 may be any. The script can refuse either version.
        test_put_object.py::test_what_is_wrong_is_said
yes     an error is XML, with a code and the EC of its cause (Error responses)
        test_vendor_uploader.py::test_an_error_of_the_storage_is_understood
yes     a temporary key is for the folder that came with it (SDK)
        test_put_object.py::test_a_key_is_for_its_own_folder
yes     a key without its token, with a wrong or an expired token is refused (EC 0002)
        test_put_object.py::test_keys_expire
yes     a date more than 15 minutes wrong: RequestTimeTooSkewed (Error responses)
        test_put_object.py::test_a_clock_that_is_off_is_refused
yes     a Content-MD5 that does not match the body: InvalidDigest (Error responses)
        test_put_object.py::test_a_wrong_checksum_stores_nothing
partly  a key has at most 1,023 bytes (Object naming)
        Keys with an empty part, `.`, `..`, a backslash or control characters are refused too.
        test_put_object.py::test_a_wrong_key_is_refused
partly  an object has at most 5 GB (PutObject)
        At most 20 MB, which is the limit for images. All objects together have 1 GB; the oldest
        are dropped. How long the service keeps objects is not documented.
        test_put_object.py::test_the_size_is_known_before_and_bounded
no      other operations of object storage, queries and signed URLs (API of object storage)
        405 MethodNotAllowed, or 400 InvalidArgument for a query.
        test_put_object.py::test_other_methods_and_buckets_are_refused
"""
"""The first line of a rule has three parts. "yes", "partly" or "no" says if the emulator keeps the
rule. Then comes the rule; a code after a colon is the answer in that case. The source is in
brackets. The next lines say what the emulator does instead, or what is not documented. The last
line names the test that shows this."""


@attrs.frozen
class ServiceRule:
    """A rule of the service.

    Args:
        layer: The part of the service that has the rule.
        rule: The rule; a code after a colon is the answer in that case.
        source: Page or heading of the documents; "SDK" if only the vendor's SDKs show the rule.
        emulated: Whether the emulator keeps the rule.
        how: What the emulator does instead, or what is not documented; may be empty.
        test: The test that shows this; empty if there is nothing to show.
    """

    layer: str
    rule: str
    source: str
    emulated: Kept
    how: str = ""
    test: str = ""


def _rules() -> tuple[ServiceRule, ...]:
    rules: list[ServiceRule] = []
    layer = ""
    for line in TABLE.splitlines():
        words = line.strip()
        if line[:1] == " ":
            last = rules.pop()
            if "::" in words and " " not in words:
                rules.append(attrs.evolve(last, test=words))
            else:
                rules.append(attrs.evolve(last, how=f"{last.how} {words}".strip()))
        elif (word := line[:8].strip()) in _KEPT:
            rule, _, source = line[8:].rpartition(" (")
            rules.append(ServiceRule(layer, rule, source.removesuffix(")"), _KEPT[word]))
        elif words:
            layer = words
    return tuple(rules)


RULES = _rules()
