"""The table of the service's rules: for each, if the emulator keeps it, and the test that shows it.

The table is text because people read it: here, in the docstring of `aliocr.emulator` and on the
landing page. `tests/emulator/test_rules.py` checks it.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import attrs

Kept: TypeAlias = Literal["yes", "partly", "no"]
_KEPT: dict[str, Kept] = {"yes": "yes", "partly": "partly", "no": "no"}

TABLE = """\
gateway
yes     POST only: 400 UnsupportedHTTPMethod (Request structure)
        test_refusal.py::test_another_address_is_refused
yes     one path: 404 InvalidApi.NotFound (Request structure)
        Other paths of the API count as unknown.
        test_refusal.py::test_another_address_is_refused
yes     x-acs-version 2018-05-09: 400 InvalidAction.NotFound (Common parameters)
        test_refusal.py::test_a_refusal_has_the_documented_status_and_code
yes     x-acs-action, where it is named, is ImageSyncScan: 400 InvalidAction.NotFound (SDK)
        With HMAC-SHA1 it may be missing.
        test_refusal.py::test_a_refusal_has_the_documented_status_and_code
yes     a mandatory header that is missing: 400 Missing… (Common parameters)
        With HMAC-SHA1 the nonce may be missing, with both Content-MD5, as the vendor's SDKs
        leave them out; Accept must be there.
        test_refusal.py::test_the_older_signature_needs_its_headers
yes     any Content-Type, query and x-acs-… header that is signed (SDK)
        test_checks.py::test_headers_of_the_clients_own_pass_if_they_are_signed
yes     Date in GMT of one form: 400 InvalidTimeStamp.Format (Common parameters)
        test_refusal.py::test_the_older_signature_needs_its_headers
yes     Date within 15 minutes: 400 InvalidTimeStamp.Expired (ROA mechanism)
        test_checks.py::test_a_clock_wrong_by_15_minutes_passes
yes     an unknown AccessKey: 404 InvalidAccessKeyId.NotFound (Public errors)
        test_checks.py::test_a_key_of_nobodys_is_refused
yes     an inactive AccessKey: 400 InvalidAccessKeyId.Inactive (Public errors)
        test_checks.py::test_a_key_that_is_made_inactive_is_refused
yes     a temporary key's token: 400 InvalidSecurityToken (Public errors)
        InvalidSecurityToken.Expired, .Malformed, .MismatchWithAccessKey; left out:
        MissingSecurityToken.
        test_checks.py::test_the_token_of_another_issue_is_refused
yes     x-acs-accesskey-id, where it is named, is the AccessKey that signs (SDK)
        400 InvalidParameter.Format: no page names a code.
        test_refusal.py::test_a_refusal_has_the_documented_status_and_code
yes     a nonce used again within 15 minutes: 400 SignatureNonceUsed (Public errors)
        test_checks.py::test_a_request_sent_twice_is_refused_the_second_time
yes     HMAC-SHA1: 400 SignatureDoesNotMatch, with the server's string to sign (Signature method)
        test_checks.py::test_a_wrong_secret_is_answered_with_the_string_that_was_signed
yes     an Authorization of another form: 400 IncompleteSignature (Public errors)
        test_refusal.py::test_an_authorization_of_another_form_is_incomplete
yes     ACS3-HMAC-SHA256 signature (Signature V3)
        The vendor's newer SDK uses it for this product by default.
        test_acs3.py::test_the_signature_is_the_vendors
no      HMAC-SM3 signature (Signature method)
        400 InvalidSignatureMethod: the pages contradict themselves on what is signed.
        test_refusal.py::test_the_older_signature_needs_its_headers
yes     Content-MD5 is that of the body (Common parameters)
        400 ContentMD5NotMatched, a code no page of this product names.
        test_checks.py::test_a_body_changed_on_the_way_is_noticed
yes     the checks come in this order (Public errors)
        No page gives the order; here the checks go from the outside of a request inwards.
        test_checks.py::test_the_first_thing_wrong_is_what_is_said
yes     10 requests a second and account: 400 Throttling.User (QPS limits)
        Counted by a sliding log, a fixed second or a token bucket, as you choose.
        test_checks.py::test_the_eleventh_request_of_a_second_is_throttled
yes     a parameter of another form: 400 InvalidParameter.Format (Public errors)
        What could be read in two ways is refused.
        test_refusal.py::test_a_query_that_could_be_read_in_two_ways_is_refused
partly  its own failures, policies and maintenance (Public errors)
        On request: InternalError, ServiceUnavailable, Forbidden, Forbidden.RAM,
        InvalidProduct.NotFound, InvalidProtocol.NeedSsl, Throttling, Throttling.Api.
        test_script.py::test_the_gateway_can_refuse
yes     refusals have Code, Message, RequestId, HostId, Recommend (Public errors)
        test_emulator.py::test_the_gateway_refuses_in_its_own_shape
partly  XML where JSON is not accepted (ROA mechanism)
        No page shows the names of the elements; they are those of the JSON.
        test_xml.py::test_an_answer_comes_in_xml
no      HTTPS (Request structure)
        Plain HTTP on a port of this machine; both are served by the service.
no      the address of the region decides (Endpoints)
        The emulator is every region.

envelope
yes     a body that is not as documented: code 400 (Request parameters)
        test_emulator.py::test_a_body_that_is_not_as_documented_is_refused_in_the_envelope
yes     1 to 100 images a request (tasks)
        test_emulator.py::test_a_body_that_is_not_as_documented_is_refused_in_the_envelope
yes     dataId is unique within the request (dataId)
        test_emulator.py::test_a_body_that_is_not_as_documented_is_refused_in_the_envelope
yes     scenes is ["ocr"] (scenes)
        The API's other scenes are refused.
        test_emulator.py::test_a_body_that_is_not_as_documented_is_refused_in_the_envelope
yes     an account without permission: code 596 (Common error codes)
        States: not opened, unauthorized, overdue, banned.
        test_accounts.py::test_an_account_that_may_not_use_the_service_is_told_why
no      bizType applies a policy of the console (bizType)
        Recorded, without effect: text is always to be reviewed.
        test_emulator.py::test_the_policy_a_request_names_is_recorded
no      clientInfo describes the end user (clientInfo)
        Signed and left at that.
        test_checks.py::test_any_query_passes_that_is_signed
no      extras selects the advanced model or card OCR (OCR, China site)
        Fields that are not documented internationally are passed over.
yes     images per second: 588 for those beyond (Common error codes)
        At which level is not documented; here per image. No limit by default; --new-account,
        or NEW_ACCOUNT in Python, has the 10 images a second of a new account.
        test_emulator.py::test_images_over_the_quota_are_refused_one_by_one
yes     images in flight: 588 for those beyond (Concurrency)
        No limit by default; --new-account, or NEW_ACCOUNT in Python, has the 50 of a new
        account.
        test_accounts.py::test_two_accounts_have_each_its_own_image_quota
partly  codes 408 and 411 (Public errors)
        On request: when the service gives them is not documented, and of 411 not even its words.
        test_script.py::test_a_failure_is_in_the_documented_words
yes     codes 500, 503, 580, 585, 587, 591: the service's own failures (Common error codes)
        On request: by script, or by chance.
        test_script.py::test_the_service_can_refuse

image
yes     url is http or https, at most 2,048 characters: 400 (url)
        test_emulator.py::test_an_image_that_is_not_as_documented_harms_no_other
yes     dataId of at most 256 characters: 400 (Common error codes)
        The server's own message says so; the page of the parameter does not.
        test_emulator.py::test_a_data_id_that_is_too_long_is_refused_in_the_services_words
partly  an unsafe URL, or a redirection to one: 401 (Common error codes)
        Link-local and metadata addresses and other schemes; private addresses on request.
        test_addresses.py::test_an_unsafe_address_is_not_allowed
yes     not accessible: 403 (Common error codes)
        Its host answers 401 or 403.
        test_download.py::test_a_hosts_refusal_is_told_by_its_code
yes     not there: 404 (Common error codes)
        test_download.py::test_a_hosts_refusal_is_told_by_its_code
yes     the download fails: 480 (Common error codes)
        test_hosts.py::test_an_answer_that_ends_too_early_is_a_failed_download
yes     redirections are followed, so many (Common error codes)
        Five; how many the service follows is not documented.
        test_download.py::test_redirections_are_followed_within_bounds
yes     downloaded within 3 s: 592 (Image download timeout)
        test_download.py::test_a_slow_host_is_given_up
yes     at most 20 MB: 589 (Image requirements)
        test_images.py::test_20_megabytes_are_read_and_one_byte_more_is_589
yes     PNG, JPG, JPEG, BMP, GIF, WEBP: else 590 (Image requirements)
        By content, whatever name and type say; a damaged file, too.
        test_images.py::test_any_other_format_is_590
yes     sides up to 30,000 pixels: 480 (OCR, China site)
        test_size_limits.py::test_a_side_may_have_30000_pixels
partly  up to 250 million pixels: 480 (OCR, China site)
        Up to 40 million a frame, and 200 million for all frames that must be decoded; 4,194,304
        of a BMP in runs. Also refused: a JPEG of over 100 scans, a file in over 2 million pieces.
        test_size_limits.py::test_a_still_picture_may_have_40_million_pixels
yes     a GIF of up to 4,194,304 pixels: 480 GIF_TOO_MUCH_PIXELS (OCR, China site)
        test_size_limits.py::test_a_gif_may_have_4194304_pixels
yes     at least 256 × 256 pixels recommended (Image requirements)
        Recommended, not enforced.
        test_images.py::test_a_small_picture_is_read
yes     the algorithm fails: 586 (Common error codes)
        test_images.py::test_an_engine_that_fails_is_586_for_its_picture_only
yes     an answer within 6 s, 581 for what is not done (Response timeout)
        test_recognition.py::test_at_the_deadline_what_is_done_is_answered
no      oss:// URLs and uploaded files (SDK)
        403 for the image: an authorisation cannot be given here.
        test_tasks.py::test_an_oss_path_is_403

frames
yes     the first frame only, unless interval and maxFrames are given (GIFs and long images)
        test_images.py::test_only_the_first_frame_is_read_unless_asked
yes     interval and maxFrames are used together (tasks)
        One without the other: 400 for the image.
        test_emulator.py::test_an_image_that_is_not_as_documented_harms_no_other
yes     a long image is above 400 pixels and 2.5 times its other side (GIFs and long images)
        test_frames.py::test_a_long_image_has_as_many_frames_as_its_rounded_ratio
yes     it has as many frames as the ratio rounded (GIFs and long images)
        A half is rounded up.
        test_frames.py::test_the_number_of_strips_is_the_ratio_rounded_half_up
yes     one frame of every interval, at most maxFrames (GIFs and long images)
        Counted from the first; more than 10,000 of one picture are 480.
        test_frames.py::test_one_of_every_interval_is_read_up_to_max_frames
yes     the interval is widened to ceil(total ÷ maxFrames) if need be (GIFs and long images)
        test_frames.py::test_chosen_frames_reach_over_the_whole_picture
no      code 595, frames cannot be captured (Common error codes)
        A damaged GIF has the frames before the damage, or without any is 590.
        test_picture.py::test_a_damaged_gif_gives_the_frames_before_the_damage

result
yes     code, msg, dataId, taskId, url, extras, results (Response parameters)
        test_emulator.py::test_a_good_request_gets_the_documented_reply
yes     without text: normal, pass, neither ocrData nor ocrLocations (result)
        test_script.py::test_an_image_without_text_passes
yes     with text: ocr, review (result)
        test_script.py::test_an_image_says_what_it_was_told_to
yes     positions in pixels from the upper left (ocrLocation)
        Of the whole picture, frames of long images included.
        test_images.py::test_positions_in_a_long_image_count_from_the_whole
partly  frames where more than one was captured (frames)
        Their form is not documented: rate, ocrData, ocrLocations, and no url.
        test_images.py::test_frames_are_left_out_when_one_was_captured
yes     answers in any order, dataId tells them apart (Response parameters)
        In the request's order by default.
        test_script.py::test_answers_can_come_in_another_order
yes     every image and frame that is read is charged (Billing)
        Calls tell how many; of failures nothing is documented, here they are free.
        test_control.py::test_calls_tell_what_arrived_and_what_it_would_have_cost

elsewhere
no      asynchronous detection: asyncscan, results, callbacks (Asynchronous detection)
        404 InvalidApi.NotFound, and so no code 280 (in progress) or 594 (expired) but by
        script.
        test_refusal.py::test_another_address_is_refused
no      upload credentials (SDK)
        404 InvalidApi.NotFound.
        test_refusal.py::test_another_address_is_refused
"""
"""For each rule: if the emulator keeps it, the rule, and (its source); below it what the emulator
does instead, or where the documents say nothing; and the test that shows it."""


@attrs.frozen
class ServiceRule:
    """A rule of the service.

    Args:
        layer: The part of the service that has the rule.
        source: Page or heading of the documents; "SDK" if only the vendor's SDKs show the rule.
        emulated: If the emulator keeps it.
        how: What the emulator does instead, or where the documents say nothing; may be empty.
        test: The test that shows it; empty if there is nothing to show.
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
