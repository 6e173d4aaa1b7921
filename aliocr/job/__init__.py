"""Bulk jobs: a list of images in a file, their results in another, and a journal between.

Made to be left alone: a job can be stopped at any time and in any way, and goes on where it was.
"""
