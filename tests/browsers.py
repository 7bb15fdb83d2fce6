"""What the tests in a browser share."""


def unfold(page, button, inside):
    """Open a tab or an accordion, and wait until `inside`, which is in it, keeps what it is given.

    One frame after it has drawn something for the first time, Gradio sets it back to what it was. No visitor is as
    fast as that, a test is.
    """
    page.click(button)
    page.wait_for_selector(inside, state='attached')
    page.evaluate('new Promise(drawn => requestAnimationFrame(() => requestAnimationFrame(drawn)))')
