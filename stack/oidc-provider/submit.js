// Submits the form of the page.
document.querySelector('button[type=submit]').click()
