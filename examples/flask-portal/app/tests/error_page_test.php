<!doctype html>
<h1>Internal error</h1>
<p>Please try again later.</p>
